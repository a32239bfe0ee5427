"""Three steps in a row; the second fails as long as a file is missing."""

import os

from flytekit import task, workflow


def note(path: str, line: str) -> None:
    with open(path, "a") as file:
        file.write(f"{line}\n")


@task
def first(path: str) -> int:
    note(path, "first")
    return 1


@task
def second(so_far: int, path: str) -> int:
    note(path, "second")
    if not os.path.exists(f"{path}.open"):
        raise ValueError("the gate is closed")
    return so_far + 1


@task
def third(so_far: int, path: str) -> int:
    note(path, "third")
    return so_far + 1


@workflow
def three_steps(path: str) -> int:
    return third(so_far=second(so_far=first(path=path), path=path), path=path)
