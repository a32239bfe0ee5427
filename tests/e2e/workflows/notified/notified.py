"""A launch plan whose failures somebody wants to hear of. Its task is a raw command: nothing of Python runs."""

from flytekit import ContainerTask, Email, LaunchPlan, WorkflowExecutionPhase, workflow

fail = ContainerTask(name="notified.fail", image="busybox:1", command=["false"])


@workflow
def failing():
    fail()


plan = LaunchPlan.get_or_create(
    failing,
    name="notified.plan",
    notifications=[Email(phases=[WorkflowExecutionPhase.FAILED], recipients_email=["ann@example.com"])],
)
