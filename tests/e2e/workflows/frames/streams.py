"""Files and folders read and written where they lie, without a copy on disk."""

import os

import pandas as pd
from flytekit import task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@task
def without_swans(birds: FlyteFile) -> FlyteFile:
    kept = FlyteFile.new_remote_file("kept.csv")
    with birds.open("r") as source, kept.open("w") as target:
        frame = pd.read_csv(source)
        frame[frame["bird"] != "swan"].to_csv(target, index=False)
    return kept


@task
def copied(folder: FlyteDirectory) -> FlyteDirectory:
    copy = FlyteDirectory.new_remote("copied")
    for file in FlyteDirectory.listdir(folder):
        place = str(file.remote_source or file.path)
        with FlyteFile(place).open("rb") as source, copy.new_file(os.path.basename(place)).open("wb") as target:
            target.write(source.read())
    return copy


@workflow
def streamed(birds: FlyteFile, folder: FlyteDirectory) -> tuple[FlyteFile, FlyteDirectory]:
    return without_swans(birds=birds), copied(folder=folder)
