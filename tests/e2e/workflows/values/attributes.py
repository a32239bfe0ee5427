"""Parts of outputs: an item of a list, a key of a map, a field of a dataclass, and all of them combined."""

from dataclasses import dataclass
from typing import Dict, List, Tuple

from flytekit import task, workflow


@dataclass
class Goose:
    name: str
    eggs: List[int]
    toes: Dict[int, str]


@task
def names() -> List[str]:
    return ["Akka", "Martin"]


@task
def by_role() -> Dict[str, str]:
    return {"leader": "Akka", "follower": "Martin"}


@task
def goose() -> Goose:
    return Goose(name="Martin", eggs=[9007199254740993, 2], toes={3: "left", 4: "right"})


@task
def mixture() -> Tuple[Dict[str, List[str]], List[Dict[str, str]], Dict[str, Goose]]:
    martin = Goose(name="Martin", eggs=[1], toes={3: "left"})
    return {"flock": ["Akka"]}, [{"leader": "Akka"}], {"goose": martin}


@task
def shout(text: str) -> str:
    return f"{text}!"


@task
def join(texts: List[str], table: Dict[str, str], eggs: List[int], egg: int) -> str:
    return f"{texts} {table} {eggs} {egg + 1}"


@workflow
def item_of_list() -> str:
    return shout(text=names()[1])


@workflow
def key_of_map() -> str:
    return shout(text=by_role()["leader"])


@workflow
def field_of_dataclass() -> str:
    return shout(text=goose().name)


@workflow
def combined() -> Tuple[str, str, str, str]:
    lists, maps, geese = mixture()
    martin = goose()
    return (
        shout(text=lists["flock"][0]),
        shout(text=maps[0]["leader"]),
        shout(text=geese["goose"].name),
        join(texts=lists["flock"], table=maps[0], eggs=martin.eggs, egg=martin.eggs[0]),
    )
