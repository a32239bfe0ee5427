"""The smallest workflow: one task, one input with a default."""

from flytekit import task, workflow


@task
def say(name: str) -> str:
    return f"Hello, {name}!"


@workflow
def hello(name: str = "World") -> str:
    return say(name=name)
