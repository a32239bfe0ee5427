"""Decorators under `@task`, and one under `@workflow` that puts a step before and a step after it."""

from functools import partial, wraps

from flytekit import FlyteContextManager, task, workflow
from flytekit.core.node_creation import create_node


def telling(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        print(f"{function.__name__} of {kwargs}")
        return function(*args, **kwargs)

    return wrapper


def at_least(function=None, *, floor=0):
    if function is None:
        return partial(at_least, floor=floor)

    @wraps(function)
    def wrapper(*args, **kwargs):
        value = function(*args, **kwargs)
        if value < floor:
            raise ValueError(f"{value} is less than {floor}")
        return value

    return wrapper


@task
@telling
def next_number(x: int) -> int:
    return x + 1


@task
@telling
@at_least(floor=10)
def ten_more(x: int) -> int:
    return x + 10


@workflow
def decorated_tasks(x: int) -> int:
    return ten_more(x=next_number(x=x))


@task
def open_gate():
    print("open")


@task
def close_gate():
    print("closed")


def between(function=None, *, before, after):
    if function is None:
        return partial(between, before=before, after=after)

    @wraps(function)
    def wrapper(*args, **kwargs):
        state = FlyteContextManager.current_context().compilation_state
        start = create_node(before)
        outputs = function(*args, **kwargs)
        end = create_node(after)
        if state is not None:
            start >> state.nodes[1]
            state.nodes[-2] >> end
        return outputs

    return wrapper


@task
def halved(x: float) -> float:
    return x / 2


@task
def cubed(x: float) -> float:
    return x**3


@workflow
@between(before=open_gate, after=close_gate)
def decorated_workflow(x: float) -> float:
    return cubed(x=halved(x=x))
