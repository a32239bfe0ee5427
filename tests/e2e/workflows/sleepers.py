"""Tasks that take their time, and say in a file that they started and that they finished."""

import os
import time

from flytekit import task, workflow


@task
def nap(seconds: int, path: str) -> int:
    with open(path, "a") as file:
        file.write(f"started {os.getpid()}\n")
    time.sleep(seconds)
    with open(path, "a") as file:
        file.write("finished\n")
    return 1


@workflow
def napping(seconds: int, path: str) -> int:
    return nap(seconds=seconds, path=path)
