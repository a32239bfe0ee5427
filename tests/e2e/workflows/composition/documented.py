"""One workflow, described in each of the three styles of docstrings, and run while its module is imported."""

from typing import List

from flytekit import LaunchPlan, current_context, task, workflow


@task
def total(numbers: List[int], factor: int) -> int:
    return factor * sum(numbers)


@workflow
def in_sphinx_style(numbers: List[int] = [1, 2], factor: int = 2) -> int:
    """
    Adds in the style of Sphinx

    The longer text.

    :param numbers: what to add
    :param factor: what to multiply with
    :return: the sum
    """
    return total(numbers=numbers, factor=factor)


@workflow
def in_numpy_style(numbers: List[int] = [1, 2], factor: int = 2) -> int:
    """
    Adds in the style of NumPy

    The longer text.

    Parameters
    ----------
    numbers : List[int]
        what to add
    factor : int
        what to multiply with

    Returns
    -------
    out : int
        the sum
    """
    return total(numbers=numbers, factor=factor)


@workflow
def in_google_style(numbers: List[int] = [1, 2], factor: int = 2) -> int:
    """
    Adds in the style of Google

    The longer text.

    Args:
      numbers (List[int]): what to add
      factor (int): what to multiply with

    Returns:
      int: the sum
    """
    return total(numbers=numbers, factor=factor)


default_plan = LaunchPlan.get_default_launch_plan(current_context(), in_sphinx_style)
default_plan(numbers=[1], factor=1)

all_given = LaunchPlan.create(
    name="documented.all_given", workflow=in_sphinx_style, default_inputs={"numbers": [3, 4], "factor": 5}
)
all_given()
all_given(numbers=[1])

one_fixed = LaunchPlan.get_or_create(
    name="documented.one_fixed", workflow=in_sphinx_style, fixed_inputs={"numbers": [3, 4]}
)
