"""Files that travel through the object store with the store's own library."""

import pathlib

from flytekit import current_context, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@task
def writing(text: str) -> FlyteFile:
    path = pathlib.Path(current_context().working_directory) / "document.txt"
    path.write_text(text)
    return FlyteFile(str(path))


@task
def binding(document: FlyteFile) -> FlyteDirectory:
    folder = pathlib.Path(current_context().working_directory) / "book"
    folder.mkdir()
    content = pathlib.Path(document.download()).read_text()
    for page, line in enumerate(content.splitlines()):
        (folder / f"{page}.txt").write_text(line)
    return FlyteDirectory(str(folder))


@task
def reading(book: FlyteDirectory) -> str:
    folder = pathlib.Path(book.download())
    return "|".join(page.read_text() for page in sorted(folder.iterdir()))


@workflow
def publishing(text: str = "one\ntwo") -> str:
    return reading(book=binding(document=writing(text=text)))
