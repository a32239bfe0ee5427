"""Least squares over small lists: lists in and out, partials, named outputs, docstrings."""

import functools
from typing import List, NamedTuple

from flytekit import task, workflow

Line = NamedTuple("Line", [("slope", float), ("intercept", float)])


@task
def slope(x: List[int], y: List[int]) -> float:
    n = len(x)
    covariance = n * sum(a * b for a, b in zip(x, y)) - sum(x) * sum(y)
    return covariance / (n * sum(a * a for a in x) - sum(x) ** 2)


@task
def intercept(x: List[int], y: List[int], slope: float) -> float:
    return sum(y) / len(y) - slope * sum(x) / len(x)


@workflow
def height(x: List[int], y: List[int]) -> float:
    return intercept(x=x, y=y, slope=slope(x=x, y=y))


@workflow
def height_with_partial(x: List[int], y: List[int]) -> float:
    here = functools.partial(intercept, x=x, y=y)
    return here(slope=functools.partial(slope, x=x)(y=y))


@workflow
def line(x: List[int], y: List[int]) -> Line:
    """
    Fits a line.

    The longer text that follows the short one.

    :param x: where
    :param y: what was measured there
    :return: slope and intercept
    """
    rise = slope(x=x, y=y)
    return Line(slope=rise, intercept=intercept(x=x, y=y, slope=rise))
