"""Values of every common type through one task, a text too long to travel inline, and a deck."""

import enum
import json
from datetime import datetime, timedelta
from typing import Dict, List, NamedTuple, Optional, Union

from flytekit import Deck, task, workflow


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


Carried = NamedTuple(
    "Carried", [("big", int), ("small", int), ("text", str), ("nested", List[List[int]]), ("seen", str)]
)


@task
def carry(
    big: int,
    small: int,
    text: str,
    nested: List[List[int]],
    table: Dict[str, int],
    when: datetime,
    took: timedelta,
    maybe: Optional[str],
    either: Union[int, str],
    colour: Colour,
) -> Carried:
    seen = [table, when.isoformat(), took.total_seconds(), maybe, either, colour.value]
    return Carried(big=big, small=small, text=text, nested=nested, seen=json.dumps(seen))


@workflow
def carrying(
    big: int,
    small: int,
    text: str,
    nested: List[List[int]],
    table: Dict[str, int],
    when: datetime,
    took: timedelta,
    either: Union[int, str],
    colour: Colour,
    maybe: Optional[str] = None,
) -> Carried:
    return carry(
        big=big,
        small=small,
        text=text,
        nested=nested,
        table=table,
        when=when,
        took=took,
        maybe=maybe,
        either=either,
        colour=colour,
    )


@task
def lengthen(text: str, times: int) -> str:
    return text * times


@workflow
def lengthening(text: str, times: int) -> str:
    return lengthen(text=text, times=times)


@task(enable_deck=True)
def illustrate(text: str) -> str:
    Deck("goose", f"<h2>{text}</h2>")
    return text


@workflow
def illustrating(text: str) -> str:
    return illustrate(text=text)
