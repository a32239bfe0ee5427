"""Arrays, through an encoder and a decoder of our own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from flytekit import FlyteContext, StructuredDatasetType, task, workflow
from flytekit.models import literals
from flytekit.models.literals import StructuredDatasetMetadata
from flytekit.types.structured.structured_dataset import (
    PARQUET,
    StructuredDataset,
    StructuredDatasetDecoder,
    StructuredDatasetEncoder,
    StructuredDatasetTransformerEngine,
)
from typing_extensions import Annotated


# The first task makes flytekit load its own handlers, which refuse to come after ours.
@task
def names() -> pd.DataFrame:
    return pd.DataFrame({"bird": ["goose", "swan"]})


class ArrayToParquet(StructuredDatasetEncoder):
    def encode(
        self, ctx: FlyteContext, structured_dataset: StructuredDataset, structured_dataset_type: StructuredDatasetType
    ) -> literals.StructuredDataset:
        rows = structured_dataset.dataframe
        folder = ctx.file_access.get_random_local_directory()
        pq.write_table(pa.Table.from_arrays(list(rows), [f"c{i}" for i in range(len(rows))]), str(Path(folder) / "0"))
        target = ctx.file_access.get_random_remote_directory()
        ctx.file_access.upload_directory(folder, target)
        kind = StructuredDatasetType(format=PARQUET)
        return literals.StructuredDataset(uri=target, metadata=StructuredDatasetMetadata(structured_dataset_type=kind))


class ParquetToArray(StructuredDatasetDecoder):
    def decode(
        self,
        ctx: FlyteContext,
        flyte_value: literals.StructuredDataset,
        current_task_metadata: StructuredDatasetMetadata,
    ) -> np.ndarray:
        folder = ctx.file_access.get_random_local_directory()
        ctx.file_access.get_data(flyte_value.uri, folder, is_multipart=True)
        return pq.read_table(folder).to_pandas().to_numpy()


StructuredDatasetTransformerEngine.register(ArrayToParquet(np.ndarray, None, PARQUET))
StructuredDatasetTransformerEngine.register(ParquetToArray(np.ndarray, None, PARQUET))


@task
def to_array(table: StructuredDataset) -> Annotated[StructuredDataset, None, PARQUET]:
    return StructuredDataset(dataframe=table.open(np.ndarray).all())


@workflow
def as_array() -> Annotated[StructuredDataset, None, PARQUET]:
    return to_array(table=names())
