"""Steps that wait: for time, for a value that somebody gives, for an approval."""

from datetime import timedelta
from typing import Dict, List

from flytekit import approve, conditional, sleep, task, wait_for_input, workflow

NAP = timedelta(seconds=10)
HOUR = timedelta(hours=1)


@task
def same(number: int) -> int:
    return number


@workflow
def napping(number: int) -> int:
    nap = sleep(NAP)
    result = same(number=number)
    nap >> result
    return result


@task
def weigh(weights: List[float]) -> Dict[str, float]:
    return {"heaviest": max(weights), "total": sum(weights)}


@task
def label(weighed: Dict[str, float], title: str) -> Dict[str, str]:
    return {"title": title, **{name: str(value) for name, value in weighed.items()}}


@task
def discard() -> Dict[str, str]:
    return {"discarded": "yes"}


@workflow
def titled(weights: List[float]) -> Dict[str, str]:
    title = wait_for_input("title", timeout=HOUR, expected_type=str)
    return label(weighed=weigh(weights=weights), title=title)


@workflow
def approved(weights: List[float]) -> Dict[str, str]:
    title = wait_for_input("title", timeout=HOUR, expected_type=str)
    return approve(label(weighed=weigh(weights=weights), title=title), "publish", timeout=HOUR)


@workflow
def approved_midway(weights: List[float]) -> Dict[str, str]:
    weighed = weigh(weights=weights)
    title = wait_for_input("title", timeout=HOUR, expected_type=str)
    weighed >> title
    return label(weighed=approve(weighed, "weights-are-right", timeout=HOUR), title=title)


@workflow
def kept_if_wanted(weights: List[float]) -> Dict[str, str]:
    weighed = weigh(weights=weights)
    title = wait_for_input("title", timeout=HOUR, expected_type=str)
    wanted = wait_for_input("wanted", timeout=HOUR, expected_type=bool)
    weighed >> wanted
    return (
        conditional("kept")
        .if_(wanted.is_true())
        .then(label(weighed=weighed, title=title))
        .else_()
        .then(discard())
    )


@workflow
def impatient() -> str:
    return wait_for_input("never", timeout=timedelta(seconds=3), expected_type=str)
