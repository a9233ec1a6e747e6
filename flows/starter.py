"""What started a flow run: its schedule, an automation, a user in the UI, or a terminal."""

import getpass
import socket
from typing import Any

from prefect.context import FlowRunContext


def starter() -> str:
    """What started the current flow run."""
    context = FlowRunContext.get()
    return told(context.flow_run if context else None)


def told(run: Any) -> str:
    """A text, from Prefect's data of a run."""
    if run is None or not run.deployment_id:
        return terminal()
    if run.auto_scheduled:
        return "its schedule"
    if run.created_by and run.created_by.type == "AUTOMATION":
        return f"the automation {run.created_by.display_value}"
    return "a user, in the UI or with prefect deployment run"


def terminal() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = "unknown user"
    return f"a terminal, {name} on {socket.gethostname()}"
