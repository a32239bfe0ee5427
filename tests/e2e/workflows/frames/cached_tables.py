"""A table that is told apart by its content: the second use of it comes from the cache, though it lies elsewhere."""

import time

import pandas as pd
from flytekit import HashMethod, task, workflow
from flytekit.core.node_creation import create_node
from typing_extensions import Annotated


def content_of(table: pd.DataFrame) -> str:
    return str(pd.util.hash_pandas_object(table).sum())


@task
def read() -> Annotated[pd.DataFrame, HashMethod(content_of)]:
    return pd.DataFrame({"eggs": [6, 5, 4]})


@task(cache=True, cache_version="1")
def doubled(table: pd.DataFrame) -> pd.DataFrame:
    time.sleep(0.2)
    return table * 2


@task
def are_equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.equals(other)


@workflow
def twice_read() -> bool:
    first = create_node(doubled, table=read())
    second = create_node(doubled, table=read())
    first >> second
    return are_equal(one=first.o0, other=second.o0)
