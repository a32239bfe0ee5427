"""Dataclasses with numbers and maps, and with a table, a file and a folder in their fields."""

import os
import tempfile
from dataclasses import dataclass
from typing import Dict, Tuple

import pandas as pd
from flytekit import task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile
from flytekit.types.structured import StructuredDataset
from mashumaro.mixins.json import DataClassJSONMixin

BIRDS = pd.DataFrame({"bird": ["goose", "swan"], "eggs": [6, 5]})


@dataclass
class Measure(DataClassJSONMixin):
    x: int
    y: str
    z: Dict[int, str]


@dataclass
class Luggage(DataClassJSONMixin):
    table: StructuredDataset
    page: FlyteFile
    folder: FlyteDirectory


@task
def measure(number: int) -> Measure:
    return Measure(x=number, y=str(number), z={number: str(number)})


@task
def add(one: Measure, other: Measure) -> Measure:
    return Measure(x=one.x + other.x, y=one.y + other.y, z={**one.z, **other.z})


@task
def pack() -> Luggage:
    folder = tempfile.mkdtemp()
    BIRDS.to_parquet(os.path.join(folder, "birds.parquet"))
    page = os.path.join(tempfile.mkdtemp(), "page.txt")
    with open(page, "w") as file:
        file.write("In flight.")
    return Luggage(
        table=StructuredDataset(dataframe=BIRDS), page=FlyteFile(page), folder=FlyteDirectory(folder)
    )


@task
def unpack(luggage: Luggage) -> str:
    table = luggage.table.open(pd.DataFrame).all()
    with open(luggage.page) as file:
        text = file.read()
    return f"{table.equals(BIRDS)} {text} {sorted(os.listdir(luggage.folder))}"


@workflow
def packed(x: int, y: int) -> Tuple[Measure, Luggage, str]:
    luggage = pack()
    return add(one=measure(number=x), other=measure(number=y)), luggage, unpack(luggage=luggage)
