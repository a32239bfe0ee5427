"""Launch plans that start by themselves, and hand out the moment for which they were started."""

from datetime import datetime, timedelta

from flytekit import Annotations, CronSchedule, FixedRate, LaunchPlan, workflow
from flytekit.core.task import Echo

echo = Echo(name="ticking.echo", inputs={"t": datetime})


@workflow
def tell(t: datetime) -> datetime:
    return echo(t=t)


cron = LaunchPlan.get_or_create(
    tell,
    name="ticking.cron",
    schedule=CronSchedule(schedule="* * * * *", kickoff_time_input_arg="t"),
    annotations=Annotations({"skein.dev/timezone": "Europe/Berlin", "skein.dev/catch-up": "all max 10"}),
)
rate = LaunchPlan.get_or_create(
    tell,
    name="ticking.rate",
    schedule=FixedRate(duration=timedelta(minutes=1), kickoff_time_input_arg="t"),
)
