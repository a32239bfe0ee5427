"""Runs Python statements sent as JSON strings, one a line, beside a FlyteRemote, and answers each with one JSON line."""

import json
import sys
import textwrap

# What flytekit prints must not get between the answers.
answers = sys.stdout
sys.stdout = sys.stderr

from flytekit.configuration import Config  # noqa: E402
from flytekit.remote import FlyteRemote  # noqa: E402

names = {
    "json": json,
    "remote": FlyteRemote(
        Config.auto(), default_project="flytesnacks", default_domain="development", interactive_mode_enabled=False
    )
}

for line in sys.stdin:
    names["result"] = None
    try:
        exec(textwrap.dedent(json.loads(line)), names)
        answer = {"value": names["result"]}
    except Exception as error:
        answer = {"error": {"type": type(error).__name__, "message": str(error)}}
    answers.write(json.dumps(answer, default=str) + "\n")
    answers.flush()
