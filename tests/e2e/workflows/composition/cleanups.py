"""What runs after a failure: a task or a whole workflow, for a workflow and for one inside it, under either policy."""

from typing import Optional

from flytekit import WorkflowFailurePolicy, task, workflow
from flytekit.types.error.error import FlyteError


@task
def build(nest: str):
    print(f"building {nest}")


@task
def crack(eggs: int):
    raise ValueError(f"{eggs} eggs broke")


@task
def leave(nest: str):
    print(f"leaving {nest}")


@task
def tidy(nest: str, err: Optional[FlyteError] = None):
    print(f"tidying {nest} after {err.message if err else 'nothing'}")


def nest_steps(nest: str):
    start = build(nest=nest)
    middle = crack(eggs=2)
    end = leave(nest=nest)
    start >> middle
    middle >> end


@workflow(on_failure=tidy)
def small_nest(nest: str):
    nest_steps(nest=nest)


@workflow(on_failure=tidy, failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def two_nests(nest: str = "reed"):
    small_nest(nest="moss")
    nest_steps(nest=nest)


@workflow
def tidying(nest: str):
    tidy(nest=nest)


@workflow(on_failure=tidying)
def tidied_by_workflow(nest: str = "reed"):
    nest_steps(nest=nest)
