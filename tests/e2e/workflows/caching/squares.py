"""Cached tasks that leave a line in a file when they compute. The file is an ignored input."""

import time

from flytekit import task, workflow


def note(path: str, line: str) -> None:
    with open(path, "a") as file:
        file.write(f"{line}\n")


@task(cache=True, cache_version="1", cache_ignore_input_vars=("path",))
def square(n: int, path: str) -> int:
    note(path, f"square {n}")
    return n * n


@workflow
def squaring(n: int, path: str) -> int:
    return square(n=n, path=path)


@task(cache=True, cache_serialize=True, cache_version="1", cache_ignore_input_vars=("path",))
def slow_square(n: int, path: str) -> int:
    note(path, f"slow_square {n}")
    time.sleep(3)
    return n * n


@workflow
def slow_squaring(n: int, path: str) -> int:
    return slow_square(n=n, path=path)
