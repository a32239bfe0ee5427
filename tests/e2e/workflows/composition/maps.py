"""Map tasks: one list, bound inputs, several lists, some failures allowed, few at once, retries and cache per item."""

import os
import time
from functools import partial
from typing import List, Optional

from flytekit import LaunchPlan, map_task, task, workflow
from flytekit.core.array_node import array_node
from flytekit.exceptions.user import FlyteRecoverableException


@task
def is_heavy(weight: int) -> bool:
    return weight > 5


@workflow
def one_list(weights: List[int] = [4, 6, 5, 9]) -> List[bool]:
    return map_task(is_heavy)(weight=weights)


@task
def load(count: int, weight: float, share: float) -> float:
    return count * weight * share


@workflow
def with_bound_inputs(counts: List[int] = [1, 2, 3], weight: float = 3.0, share: float = 0.5) -> List[float]:
    return map_task(partial(load, weight=weight, share=share))(count=counts)


@task
def weigh() -> float:
    return 4.0


@workflow
def with_bound_output(counts: List[int] = [1, 2, 3], share: float = 0.5) -> List[float]:
    return map_task(partial(load, weight=weigh(), share=share))(count=counts)


@workflow
def two_lists(
    counts: List[int] = [1, 2, 3], weights: List[float] = [2.0, 4.0, 0.5], share: float = 0.5
) -> List[float]:
    return map_task(partial(load, share=share))(count=counts, weight=weights)


@task
def span_if_even(number: int, seconds: float) -> List[float]:
    start = time.time()
    time.sleep(seconds)
    if number % 2 == 1:
        raise ValueError(f"{number} is odd")
    return [start, time.time()]


@workflow
def some_may_fail(numbers: List[int], seconds: float) -> List[Optional[List[float]]]:
    return map_task(partial(span_if_even, seconds=seconds), concurrency=2, min_success_ratio=0.5)(number=numbers)


@workflow
def none_may_fail(numbers: List[int], seconds: float) -> List[List[float]]:
    return map_task(partial(span_if_even, seconds=seconds))(number=numbers)


@task(retries=2)
def second_try(number: int) -> int:
    if number == 1 and os.environ["FLYTE_ATTEMPT_NUMBER"] == "0":
        raise FlyteRecoverableException("once more")
    return number


@workflow
def with_retries(numbers: List[int] = [0, 1]) -> List[int]:
    return map_task(second_try)(number=numbers)


@task
def twice(number: int) -> int:
    return 2 * number


@workflow
def doubling(number: int) -> int:
    return twice(number=number)


plan = LaunchPlan.get_or_create(doubling, "maps.doubling_plan")


@workflow
def over_a_plan(numbers: List[int] = [1, 2]) -> List[int]:
    return array_node(plan)(number=numbers)
