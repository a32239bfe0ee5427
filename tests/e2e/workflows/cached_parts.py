"""Maps and dynamic workflows whose tasks are cached."""

from functools import partial
from typing import List

from flytekit import dynamic, map_task, task, workflow


@task(cache=True, cache_version="1")
def scaled(n: int, by: int) -> int:
    return n * by


@workflow
def scaling(ns: List[int], by: int) -> List[int]:
    return map_task(partial(scaled, by=by))(n=ns)


@dynamic(cache=True, cache_version="1")
def tripled(n: int) -> int:
    return scaled(n=n, by=3)


@workflow
def tripling(n: int) -> int:
    return tripled(n=n)
