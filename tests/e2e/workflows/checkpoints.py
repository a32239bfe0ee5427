"""A loop that is interrupted twice and goes on from its checkpoint instead of the beginning."""

from flytekit import current_context, task, workflow
from flytekit.exceptions.user import FlyteRecoverableException

STEPS_PER_ATTEMPT = 4


@task(retries=3)
def count_with_pauses(to: int) -> str:
    checkpoint = current_context().checkpoint
    seen = checkpoint.read()
    start = int(seen.decode()) if seen else 0
    for number in range(start, to):
        if number == start + STEPS_PER_ATTEMPT:
            raise FlyteRecoverableException(f"paused at {number}")
        checkpoint.write(str(number + 1).encode())
    return f"{start}..{to}"


@workflow
def counting(to: int) -> str:
    return count_with_pauses(to=to)
