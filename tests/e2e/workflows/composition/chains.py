"""Steps without data between them: order by `>>`, for tasks, sub-workflows and launch plans."""

from flytekit import LaunchPlan, task, workflow


@task
def last():
    print("last")


@task
def middle():
    print("middle")


@task
def first():
    print("first")


@workflow
def chained_tasks():
    end = last()
    then = middle()
    start = first()
    start >> then
    then >> end


@workflow
def part_one():
    first()


@workflow
def part_two():
    last()


@workflow
def chained_workflows():
    two = part_two()
    one = part_one()
    one >> two


@workflow
def chained_plans():
    two = LaunchPlan.get_or_create(part_two, "chains.plan_two")()
    one = LaunchPlan.get_or_create(part_one, "chains.plan_one")()
    one >> two
