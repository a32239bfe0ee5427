"""Runs Python statements sent as JSON strings, one a line, beside a FlyteRemote, and answers each with one JSON line."""

import inspect
import json
import sys
import textwrap

# What flytekit prints must not get between the answers.
answers = sys.stdout
sys.stdout = sys.stderr

# Statements may import the workflows' own modules.
sys.path.insert(0, "")

from flytekit.configuration import Config  # noqa: E402
from flytekit.remote import FlyteRemote  # noqa: E402

options = {"default_project": "flytesnacks", "default_domain": "development"}
if "interactive_mode_enabled" in inspect.signature(FlyteRemote.__init__).parameters:
    options["interactive_mode_enabled"] = False
names = {"json": json, "remote": FlyteRemote(Config.auto(), **options)}

for line in sys.stdin:
    names["result"] = None
    try:
        exec(textwrap.dedent(json.loads(line)), names)
        answer = {"value": names["result"]}
    except Exception as error:
        answer = {"error": {"type": type(error).__name__, "message": str(error)}}
    answers.write(json.dumps(answer, default=str) + "\n")
    answers.flush()
