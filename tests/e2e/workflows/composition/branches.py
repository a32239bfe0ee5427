"""Conditionals: two ways, many ways with a failure at the end, nested ones, and decisions by what a task found."""

from flytekit import conditional, task, workflow
from flytekit.core.task import Echo


@task
def around(side: float) -> float:
    return 4 * side


@task
def area(side: float) -> float:
    return side * side


@task
def is_even(number: int) -> bool:
    return number % 2 == 0


@task
def yes() -> int:
    return 1


@task
def no() -> int:
    return -1


@workflow
def two_ways(side: float) -> float:
    return (
        conditional("two_ways")
        .if_((side > 0.0) & (side < 1.0))
        .then(around(side=side))
        .else_()
        .then(area(side=side))
    )


@workflow
def many_ways(side: float) -> float:
    return (
        conditional("many_ways")
        .if_((side > 0.0) & (side < 1.0))
        .then(around(side=side))
        .elif_((side == 2.25) | (side >= 3.0) & (side <= 4.0))
        .then(area(side=side))
        .else_()
        .fail("A side must lie between 0 and 4.")
    )


@workflow
def used_later(side: float) -> float:
    chosen = (
        conditional("used_later")
        .if_(side < 1.0)
        .then(around(side=side))
        .elif_(side < 4.0)
        .then(area(side=side))
        .else_()
        .fail("A side must be less than 4.")
    )
    return area(side=chosen)


@workflow
def by_finding(number: int = 3) -> int:
    even = is_even(number=number)
    return conditional("by_finding").if_(even.is_true()).then(yes()).else_().then(no())


@workflow
def by_flag(flag: bool) -> int:
    return conditional("by_flag").if_(flag.is_true()).then(yes()).else_().then(no())


@workflow
def nested(side: float) -> float:
    return (
        conditional("nested")
        .if_((side > 0.0) & (side < 1.0))
        .then(
            conditional("inner")
            .if_(side < 0.5)
            .then(around(side=side))
            .elif_(side < 0.9)
            .then(area(side=side))
            .else_()
            .fail("The inner conditional refuses 0.9 and more.")
        )
        .elif_(side < 4.0)
        .then(area(side=side))
        .else_()
        .fail("A side must be less than 4.")
    )


@workflow
def by_finding_and_input(side: float, number: int = 3) -> float:
    even = is_even(number=number)
    return (
        conditional("by_finding_and_input")
        .if_(even.is_true())
        .then(around(side=side))
        .else_()
        .then(area(side=side))
    )


unchanged = Echo(name="branches.unchanged", inputs={"side": float})


@workflow
def left_alone(side: float, number: int = 3) -> float:
    even = is_even(number=number)
    return (
        conditional("left_alone")
        .if_(even.is_true())
        .then(around(side=side))
        .else_()
        .then(unchanged(side=side))
    )
