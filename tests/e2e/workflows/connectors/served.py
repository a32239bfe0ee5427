"""Types of tasks that a connector serves, and workflows of them. The connector's process loads it, and so does pyflyte."""

import os
import typing
from dataclasses import dataclass
from pathlib import Path

from flyteidl.core.execution_pb2 import TaskExecution, TaskLog
from flytekit import kwtypes, workflow
from flytekit.configuration import SerializationSettings
from flytekit.core.base_task import PythonTask, TaskMetadata
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.interface import Interface
from flytekit.core.type_engine import TypeEngine
from flytekit.extend.backend.base_connector import (
    AsyncConnectorBase,
    AsyncConnectorExecutorMixin,
    ConnectorRegistry,
    Resource,
    ResourceMeta,
    SyncConnectorBase,
    SyncConnectorExecutorMixin,
)

JOURNAL = Path(os.environ.get("SKEIN_TEST_JOURNAL", "/tmp/journal"))


def note(*words: str) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(" ".join(words) + "\n")


def times(*words: str) -> int:
    lines = JOURNAL.read_text().splitlines() if JOURNAL.exists() else []
    return sum(line == " ".join(words) for line in lines)


@dataclass
class Job(ResourceMeta):
    name: str
    mode: str
    number: int
    output_prefix: str


class CountingConnector(AsyncConnectorBase):
    """Serves tasks that count down, and writes down what is asked of it."""

    name = "Counting Connector"

    def __init__(self):
        super().__init__(task_type_name="skein_counting", metadata_type=Job)

    async def create(self, task_template, output_prefix, inputs, task_execution_metadata, **kwargs) -> Job:
        values = {name: literal.scalar.primitive.value for name, literal in inputs.literals.items()}
        execution = task_execution_metadata.task_execution_id.node_execution_id.execution_id
        name, mode = f"{execution.name}-{values['mode']}", values["mode"]
        attempt = task_execution_metadata.task_execution_id.retry_attempt
        note("create", name, task_template.custom["unit"], execution.project, str(attempt))
        if mode == "refused":
            raise ValueError("no room for it")
        return Job(name=name, mode=mode, number=values["number"], output_prefix=output_prefix)

    async def get(self, resource_meta: Job, **kwargs) -> Resource:
        name, mode = resource_meta.name, resource_meta.mode
        note("get", name)
        seen = times("get", name)
        if seen == 1:
            return Resource(phase=TaskExecution.QUEUED, message="in line")
        links = [TaskLog(uri=f"https://jobs.example.com/{name}", name="Job")]
        if seen == 2 or (mode == "held" and not Path(f"{JOURNAL}.go").exists()):
            return Resource(phase=TaskExecution.RUNNING, log_links=links)
        if mode == "failing":
            return Resource(phase=TaskExecution.FAILED, message="the job broke")
        if mode == "flaky" and times("create", name, "apples", "flytesnacks", "1") == 0:
            return Resource(phase=TaskExecution.RETRYABLE_FAILED, message="try again")
        outputs = {"o0": resource_meta.number + 1}
        if mode != "stored":
            return Resource(phase=TaskExecution.SUCCEEDED, outputs=outputs)
        context = FlyteContextManager.current_context()
        literals = TypeEngine.dict_to_literal_map(context, outputs).to_flyte_idl()
        local = context.file_access.get_random_local_path()
        Path(local).write_bytes(literals.SerializeToString())
        context.file_access.put_data(local, f"{resource_meta.output_prefix}/outputs.pb")
        return Resource(phase=TaskExecution.SUCCEEDED)

    async def delete(self, resource_meta: Job, **kwargs):
        note("delete", resource_meta.name)


class ShoutingConnector(SyncConnectorBase):
    """Serves tasks in one call."""

    name = "Shouting Connector"

    def __init__(self):
        super().__init__(task_type_name="skein_shouting")

    def do(self, task_template, output_prefix, inputs=None, **kwargs) -> Resource:
        text = inputs.literals["text"].scalar.primitive.value
        if text == "":
            raise ValueError("nothing to shout")
        return Resource(phase=TaskExecution.SUCCEEDED, outputs={"o0": text.upper()})


ConnectorRegistry.register(CountingConnector())
ConnectorRegistry.register(ShoutingConnector())


class CountingTask(AsyncConnectorExecutorMixin, PythonTask):
    def __init__(self, name: str, unit: str, **kwargs):
        interface = Interface(inputs=kwtypes(number=int, mode=str), outputs=kwtypes(o0=int))
        super().__init__(task_type="skein_counting", name=name, task_config=None, interface=interface, **kwargs)
        self._unit = unit

    def get_custom(self, settings: SerializationSettings) -> typing.Dict[str, typing.Any]:
        return {"unit": self._unit}


class ShoutingTask(SyncConnectorExecutorMixin, PythonTask):
    def __init__(self, name: str, **kwargs):
        interface = Interface(inputs=kwtypes(text=str), outputs=kwtypes(o0=str))
        super().__init__(task_type="skein_shouting", name=name, task_config=None, interface=interface, **kwargs)


count = CountingTask(name="count", unit="apples", metadata=TaskMetadata(retries=1))
shout = ShoutingTask(name="shout")


@workflow
def counted(number: int = 6, mode: str = "plain") -> int:
    return count(number=number, mode=mode)


@workflow
def counted_again(number: int = 6, mode: str = "stored") -> int:
    return count(number=count(number=number, mode="plain"), mode=mode)


@workflow
def shouted(text: str = "hello") -> str:
    return shout(text=text)
