"""The smallest workflow worth looking at: two tasks side by side, and a third that needs both."""

from flytekit import task, workflow


@task
def greet(name: str) -> str:
    return f"Hello, {name}!"


@task
def count_letters(name: str) -> int:
    return sum(character.isalpha() for character in name)


@task
def combine(greeting: str, letters: int) -> str:
    return f"{greeting} Your name has {letters} letters."


@workflow
def hello(name: str = "world") -> str:
    return combine(greeting=greet(name=name), letters=count_letters(name=name))
