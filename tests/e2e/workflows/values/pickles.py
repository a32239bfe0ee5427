"""Objects of classes that only Python knows: one, and a list of them in batches that becomes an iterator of texts."""

from typing import Iterator, List

from flytekit import task, workflow
from flytekit.core.type_engine import BatchSize
from typing_extensions import Annotated


class Traveller:
    def __init__(self, name: str, vehicle: str):
        self.name = name
        self.vehicle = vehicle

    def tell(self) -> str:
        return f"🪿 {self.name} travels by {self.vehicle}."


@task
def traveller(name: str, vehicle: str) -> Traveller:
    return Traveller(name, vehicle)


@task
def tell(traveller: Traveller) -> str:
    return traveller.tell()


@workflow
def one_traveller(name: str = "Нильс", vehicle: str = "goose") -> str:
    return tell(traveller=traveller(name=name, vehicle=vehicle))


@task
def travellers(names: List[str], vehicle: str) -> Annotated[List[Traveller], BatchSize(2)]:
    return [Traveller(name, vehicle) for name in names]


@task
def tell_all(travellers: List[Traveller]) -> Iterator[str]:
    for one in travellers:
        yield one.tell()


@workflow
def many_travellers(names: List[str] = ["Nils", "Akka", "Fox"], vehicle: str = "air") -> Iterator[str]:
    return tell_all(travellers=travellers(names=names, vehicle=vehicle))
