"""Enums between tasks, and as an input from the command line."""

from enum import Enum

from flytekit import task, workflow


class Season(Enum):
    SPRING = "spring"
    AUTUMN = "autumn"


@task
def season_of(month: str) -> Season:
    return Season.SPRING if month in ("march", "april") else Season.AUTUMN


@task
def direction(season: Season) -> str:
    return f"In {season.value} they fly {'north' if season is Season.SPRING else 'south'}."


@workflow
def fly(month: str) -> str:
    return direction(season=season_of(month=month))


@workflow
def fly_in(season: Season) -> str:
    return direction(season=season)
