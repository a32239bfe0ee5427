"""Shell scripts that change a file, pack it with a folder and count what is in it."""

from pathlib import Path
from typing import Tuple

from flytekit import current_context, kwtypes, task, workflow
from flytekit.extras.tasks.shell import OutputLocation, ShellTask
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile

append = ShellTask(
    name="shells.append",
    script="""
    set -e
    echo "nine letters" >> {inputs.page}
    if grep -q letters {inputs.page}; then echo "found" >> {inputs.page}; fi
    """,
    inputs=kwtypes(page=FlyteFile),
    output_locs=[OutputLocation(var="longer", var_type=FlyteFile, location="{inputs.page}")],
)

pack = ShellTask(
    name="shells.pack",
    script="""
    set -e
    cp {inputs.page} {inputs.shelf}/page.txt
    tar -C {inputs.shelf} -zcf {outputs.packed} .
    """,
    inputs=kwtypes(page=FlyteFile, shelf=FlyteDirectory),
    output_locs=[OutputLocation(var="packed", var_type=FlyteFile, location="{inputs.shelf}.tar.gz")],
)

measure = ShellTask(
    name="shells.measure",
    script="""
    set -e
    mkdir -p unpacked
    tar -C unpacked -zxf {inputs.packed}
    cat unpacked/page.txt | wc -c > {outputs.size}
    """,
    inputs=kwtypes(packed=FlyteFile),
    output_locs=[OutputLocation(var="size", var_type=FlyteFile, location="size.txt")],
)


@task
def page_and_shelf() -> Tuple[FlyteFile, FlyteDirectory]:
    folder = Path(current_context().working_directory)
    page = folder / "page.txt"
    page.touch()
    shelf = folder / "shelf"
    shelf.mkdir(exist_ok=True)
    (shelf / "empty").touch()
    return FlyteFile(str(page)), FlyteDirectory(str(shelf))


@workflow
def measured() -> FlyteFile:
    page, shelf = page_and_shelf()
    return measure(packed=pack(page=append(page=page), shelf=shelf))
