"""What tasks ask of Kubernetes: a pod of their own design, secrets, a container without Python."""

import os

from flytekit import ContainerTask, PodTemplate, Resources, Secret, current_context, kwtypes, task, workflow
from flytekit.types.file import FlyteFile
from kubernetes.client import V1Container, V1PodSpec

SECRETS = [
    Secret(group="database", key="password", mount_requirement=Secret.MountType.ENV_VAR),
    Secret(group="files", key="license", mount_requirement=Secret.MountType.FILE),
]

# Never ends by itself: the task is done when its primary container is.
SIDECAR = PodTemplate(
    primary_container_name="main",
    labels={"team": "data"},
    pod_spec=V1PodSpec(
        containers=[
            V1Container(name="main"),
            V1Container(name="sidecar", image="docker.io/library/busybox:1.35", command=["sleep", "3600"]),
        ]
    ),
)


@task(pod_template=SIDECAR, requests=Resources(cpu="50m", mem="200Mi"))
def beside(name: str) -> str:
    print(f"beside a sidecar: {name}", flush=True)
    return f"Hello, {name}!"


@task(secret_requests=SECRETS, requests=Resources(cpu="50m", mem="200Mi"))
def reads_secrets(greeting: str) -> str:
    secrets = current_context().secrets
    password = secrets.get("database", "password")
    license = secrets.get("files", "license")
    print(f"the password is {password}", flush=True)
    assert os.path.isfile("/etc/flyte/secrets/files/license")
    return f"{greeting} {len(password)} {len(license)}"


count = ContainerTask(
    name="count",
    image="docker.io/library/busybox:1.35",
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    inputs=kwtypes(text=str, times=int),
    outputs=kwtypes(total=int, copy=FlyteFile),
    command=[
        "sh",
        "-c",
        "for i in $(seq $(cat /var/inputs/times)); do cat /var/inputs/text; done > /var/outputs/copy;"
        " wc -c < /var/outputs/copy | tr -d '\\n ' > /var/outputs/total",
    ],
)


@task(requests=Resources(cpu="50m", mem="200Mi"))
def read(copy: FlyteFile) -> str:
    with open(copy) as file:
        return file.read()[:12]


@workflow
def pods(name: str) -> tuple[str, int, str]:
    greeting = beside(name=name)
    lengths = reads_secrets(greeting=greeting)
    total, copy = count(text=greeting, times=1000)
    return lengths, total, read(copy=copy)
