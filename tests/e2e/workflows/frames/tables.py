"""Tables: a choice of columns, and as CSV."""

import pandas as pd
from flytekit import kwtypes, task, workflow
from flytekit.types.structured import register_csv_handlers
from flytekit.types.structured.structured_dataset import CSV, StructuredDataset
from typing_extensions import Annotated

register_csv_handlers()

WHOLE = kwtypes(bird=str, eggs=int, weight=int)
EGGS = kwtypes(eggs=int)


@task
def birds(eggs: int) -> pd.DataFrame:
    return pd.DataFrame({"bird": ["goose", "swan"], "eggs": [eggs, 5], "weight": [4, 9]})


@task
def with_another(table: Annotated[StructuredDataset, WHOLE]) -> Annotated[StructuredDataset, EGGS]:
    frame = table.open(pd.DataFrame).all()
    return StructuredDataset(dataframe=pd.concat([frame, pd.DataFrame([[30]], columns=["eggs"])]))


@workflow
def only_eggs(eggs: int = 6) -> Annotated[StructuredDataset, EGGS]:
    return with_another(table=birds(eggs=eggs))


@task
def to_csv(table: pd.DataFrame) -> Annotated[StructuredDataset, CSV]:
    return StructuredDataset(dataframe=table)


@workflow
def as_csv() -> Annotated[StructuredDataset, CSV]:
    return to_csv(table=birds(eggs=6))
