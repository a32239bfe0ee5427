"""Columns chosen inside nested records: by a map of types, and by a dataclass."""

from dataclasses import dataclass

import pandas as pd
from flytekit import kwtypes, task, workflow
from flytekit.types.structured.structured_dataset import StructuredDataset
from typing_extensions import Annotated


@dataclass
class Nest:
    place: str
    eggs: int


@dataclass
class Bird:
    name: str
    nest: Nest


FLOCK = [
    {"flock": "first", "bird": {"name": "goose", "nest": {"place": "reed", "eggs": 6}}},
    {"flock": "second", "bird": {"name": "swan", "nest": {"place": "moss", "eggs": 5}}},
]


@task
def flock() -> StructuredDataset:
    return StructuredDataset(dataframe=pd.json_normalize(FLOCK, max_level=0))


@task
def by_name(table: Annotated[StructuredDataset, kwtypes(flock=str)]) -> str:
    return str(list(table.open(pd.DataFrame).all().columns))


@task
def by_map(table: Annotated[StructuredDataset, kwtypes(bird={"nest": {"eggs": int}})]) -> str:
    return str(list(table.open(pd.DataFrame).all().columns))


@task
def by_dataclass(table: Annotated[StructuredDataset, kwtypes(bird=Bird)]) -> str:
    return str(list(table.open(pd.DataFrame).all().columns))


@workflow
def chosen_columns() -> tuple[str, str, str]:
    table = flock()
    return by_name(table=table), by_map(table=table), by_dataclass(table=table)
