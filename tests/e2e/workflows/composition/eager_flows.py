"""Eager workflows: Python decides, and each step is a run of its own."""

import asyncio
import time

from flytekit import eager, task, workflow
from flytekit.exceptions.eager import EagerException


@task
async def one_more(x: int) -> int:
    return x + 1


@task
async def threefold(x: int) -> int:
    return x * 3


@task
async def is_large(x: int) -> bool:
    return x > 50


@task
async def positive(x: int) -> int:
    if x <= 0:
        raise TypeError(f"{x} is not positive")
    return x


@task
async def slow(x: int) -> int:
    time.sleep(x)
    return x


@task
def plus(x: int, y: int) -> int:
    return x + y


@task
def times(x: int, y: int) -> int:
    return x * y


@workflow
def one_more_threefold(x: int) -> int:
    return times(x=plus(x=x, y=1), y=3)


@eager
async def two_steps(x: int) -> int:
    out = await one_more(x=x)
    if out < 0:
        return -1
    return await threefold(x=out)


@eager
async def between_steps(x: int) -> int:
    out = await one_more(x=x)
    return await threefold(x=out - 2)


@eager
async def deciding(x: int) -> int:
    out = await one_more(x=x)
    if await is_large(x=out):
        return 50
    return await threefold(x=out)


@eager
async def gathering(x: int) -> int:
    found = await asyncio.gather(*[one_more(x=i) for i in range(x)])
    return await threefold(x=sum(found))


@eager
async def with_workflow(x: int) -> int:
    # What is no coroutine is not awaited; flytekit waits for the run all the same.
    return one_more_threefold(x=x)


@eager
async def inner(x: int) -> int:
    return await one_more(x=x)


@eager
async def with_inner(x: int) -> int:
    return await threefold(x=await inner(x=x))


@eager
async def catching(x: int) -> int:
    try:
        return await positive(x=x)
    except EagerException:
        return -1


@eager
async def abandoning(x: int) -> int:
    found = await asyncio.gather(slow(x=60), positive(x=x))
    return sum(found)
