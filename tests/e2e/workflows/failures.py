"""Tasks that fail in every way a run must survive. Attempts leave a line in a file, so that a test can count them."""

import os
import signal
import time
from datetime import timedelta

from flytekit import task, workflow
from flytekit.exceptions.user import FlyteRecoverableException


def note(path: str) -> int:
    attempt = int(os.environ["FLYTE_ATTEMPT_NUMBER"])
    with open(path, "a") as file:
        file.write(f"{attempt}\n")
    return attempt


@task(retries=3)
def refuse(path: str) -> int:
    if note(path) >= 0:
        raise ValueError("this never works")
    return 0


@task(retries=3)
def recover_at_third(path: str) -> int:
    attempt = note(path)
    if attempt < 2:
        raise FlyteRecoverableException(f"attempt {attempt} is too early")
    return attempt


@task(retries=1)
def never_recover(path: str) -> int:
    attempt = note(path)
    if attempt >= 0:
        raise FlyteRecoverableException(f"attempt {attempt} is too early")
    return attempt


@task(timeout=timedelta(seconds=3))
def oversleep(path: str) -> int:
    note(path)
    time.sleep(60)
    return 1


@task
def be_killed(path: str) -> int:
    note(path)
    os.kill(os.getpid(), signal.SIGKILL)
    return 1


@workflow
def refusing(path: str) -> int:
    return refuse(path=path)


@workflow
def recovering(path: str) -> int:
    return recover_at_third(path=path)


@workflow
def exhausting(path: str) -> int:
    return never_recover(path=path)


@workflow
def oversleeping(path: str) -> int:
    return oversleep(path=path)


@workflow
def killed(path: str) -> int:
    return be_killed(path=path)
