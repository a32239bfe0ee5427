"""Workflows in workflows: as part of the same run, two levels deep, and as runs of their own by a launch plan."""

from typing import List, Tuple

from flytekit import LaunchPlan, task, workflow


@task
def extent(numbers: List[int]) -> int:
    return max(numbers) - min(numbers)


@task
def centre(numbers: List[int], width: int) -> float:
    return min(numbers) + width / 2


@workflow
def summary(numbers: List[int]) -> Tuple[int, float]:
    width = extent(numbers=numbers)
    return width, centre(numbers=numbers, width=width)


@task
def place(at: int, width: int, middle: float) -> float:
    return (at - middle) / width


@workflow
def placed(at: int = 5, numbers: List[int] = [-2, 1, 6]) -> float:
    width, middle = summary(numbers=numbers)
    return place(at=at, width=width, middle=middle)


@workflow
def placed_deeper() -> float:
    return placed()


elsewhere = LaunchPlan.get_or_create(placed, "nesting.elsewhere", default_inputs={"at": 10, "numbers": [-2, 1, 6]})


@workflow
def placed_elsewhere() -> float:
    return elsewhere()
