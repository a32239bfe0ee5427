"""Launch plans over one workflow: with a default, with a fixed input, and one that activates itself."""

from flytekit import LaunchPlan, task, workflow


@task
def multiply(a: int, b: int) -> int:
    return a * b


@workflow
def product(a: int, b: int) -> int:
    return multiply(a=a, b=b)


with_default = LaunchPlan.get_or_create(product, name="plans.with_default", default_inputs={"b": 7})
with_fixed = LaunchPlan.get_or_create(product, name="plans.with_fixed", fixed_inputs={"b": 11})
self_activating = LaunchPlan.get_or_create(product, name="plans.self_activating", auto_activate=True)
