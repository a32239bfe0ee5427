"""Files and folders of numbers: from the user's disk or an address, through tasks that shift them, and back."""

import csv
import shutil
import urllib.request
from pathlib import Path
from typing import List

from flytekit import current_context, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


def shift(source: Path, column: str, target: Path) -> None:
    with open(source, newline="") as file:
        values = [float(row[column]) for row in csv.DictReader(file)]
    lowest = min(values)
    with open(target, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column])
        writer.writerows([value - lowest] for value in values)


@task
def shift_file(table: FlyteFile, column: str, place: str) -> FlyteFile:
    target = Path(current_context().working_directory) / "shifted.csv"
    shift(Path(table.download()), column, target)
    return FlyteFile(str(target), remote_path=place) if place else FlyteFile(str(target))


@workflow
def shifted_file(table: FlyteFile, column: str, place: str = "") -> FlyteFile:
    return shift_file(table=table, column=column, place=place)


@task
def fetch(addresses: List[str]) -> FlyteDirectory:
    folder = Path(current_context().working_directory) / "tables"
    folder.mkdir(exist_ok=True)
    for index, address in enumerate(addresses):
        urllib.request.urlretrieve(address, folder / f"{index}_{Path(address).name}")
    return FlyteDirectory(str(folder))


@task
def shift_all(tables: FlyteDirectory, columns: List[str]) -> FlyteDirectory:
    folder = Path(tables.download())
    for table, column in zip(sorted(folder.iterdir()), columns):
        shift(table, column, table.with_suffix(".new"))
        shutil.move(table.with_suffix(".new"), table)
    return FlyteDirectory(str(folder))


@workflow
def shifted_folder(addresses: List[str], columns: List[str]) -> FlyteDirectory:
    return shift_all(tables=fetch(addresses=addresses), columns=columns)
