"""Tasks that ask for secrets in every way, and say them aloud where they should not."""

import os
from typing import List

from flytekit import Secret, current_context, task, workflow

AS_VARIABLE = Secret(group="vault", key="token", mount_requirement=Secret.MountType.ENV_VAR, env_var="VAULT_TOKEN")
AS_FILE = Secret(group="vault", key="Certificate", mount_requirement=Secret.MountType.FILE, env_var="CERTIFICATE_FILE")
ANY = Secret(group="vault", key="password")
FIRST = Secret(group="vault", key="password", group_version="1")
MISSING = Secret(group="vault", key="missing")


@task(secret_requests=[AS_VARIABLE, AS_FILE, ANY])
def lengths() -> List[int]:
    secrets = current_context().secrets
    token = secrets.get("vault", "token")
    certificate = secrets.get("vault", "Certificate")
    password = secrets.get("vault", "password")
    assert token == os.environ["VAULT_TOKEN"] == os.environ["_FSEC_VAULT_TOKEN"]
    with open(os.environ["CERTIFICATE_FILE"]) as file:
        assert file.read().strip() == certificate
    print(f"the token is {token}, the password {password}")
    print(certificate)
    print("said all", flush=True)
    return [len(token), len(certificate), len(password)]


@task(secret_requests=[FIRST])
def first_version() -> int:
    return len(current_context().secrets.get("vault", "password", group_version="1"))


@task(secret_requests=[MISSING])
def missing() -> str:
    return current_context().secrets.get("vault", "missing")


@task(secret_requests=[ANY])
def failing() -> str:
    password = current_context().secrets.get("vault", "password")
    if password != "":
        raise ValueError("the password is " + password)
    return password


@workflow
def telling() -> List[int]:
    return lengths()


@workflow
def former() -> int:
    return first_version()


@workflow
def lacking() -> str:
    return missing()


@workflow
def blabbing() -> str:
    return failing()
