"""A schedule that could never start its launch plan: nobody gives `x`."""

from flytekit import CronSchedule, LaunchPlan, task, workflow


@task
def same(x: int) -> int:
    return x


@workflow
def unbound(x: int) -> int:
    return same(x=x)


plan = LaunchPlan.get_or_create(unbound, name="unbound.plan", schedule=CronSchedule(schedule="0 3 * * *"))
