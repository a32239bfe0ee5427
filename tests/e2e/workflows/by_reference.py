"""Values that stand outside of the messages: large lists, files inside of objects and of dynamic workflows, decks."""

import time
from dataclasses import dataclass
from typing import List

from flytekit import Deck, dynamic, map_task, task, workflow
from flytekit.types.file import FlyteFile


@task
def many(n: int) -> List[str]:
    return [str(i).zfill(1024) for i in range(n)]


@task
def total(words: List[str]) -> int:
    return sum(int(word) for word in words)


@workflow
def large_list(n: int) -> int:
    return total(words=many(n=n))


@dataclass
class Parcel:
    file: FlyteFile
    weight: int


def written(text: str) -> FlyteFile:
    with open("note.txt", "w") as file:
        file.write(text)
    return FlyteFile("note.txt")


def text_of(file: FlyteFile) -> str:
    with open(file) as opened:
        return opened.read()


@task
def pack(text: str) -> Parcel:
    return Parcel(file=written(text), weight=len(text))


@task
def unpack(parcel: Parcel) -> str:
    return f"{text_of(parcel.file)} {parcel.weight}"


@workflow
def parcels(text: str) -> str:
    return unpack(parcel=pack(text=text))


@task
def write(text: str) -> FlyteFile:
    return written(text)


@task
def read(file: FlyteFile) -> str:
    return text_of(file)


@task
def read_nth(n: int, file: FlyteFile) -> str:
    return f"{n}{text_of(file)}"


@dynamic
def reading(file: FlyteFile, times: int) -> List[str]:
    return [read(file=file) for _ in range(times)]


@workflow
def dynamic_files(text: str, times: int) -> List[str]:
    return reading(file=write(text=text), times=times)


@workflow
def mapped_files(text: str, ns: List[int]) -> List[str]:
    return map_task(read_nth, bound_inputs={"file"})(n=ns, file=write(text=text))


@task(enable_deck=True)
def slow_deck(seconds: int) -> int:
    Deck("early", "<p>so far so good</p>").publish()
    time.sleep(seconds)
    Deck("late", "<p>all is well</p>")
    return 1


@workflow
def live_deck(seconds: int) -> int:
    return slow_deck(seconds=seconds)
