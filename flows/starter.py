"""Who or what started a flow run: its schedule, an automation, a person in the UI, or a terminal."""

import getpass
import socket
from typing import Any

from prefect.context import FlowRunContext


def starter() -> str:
    """Of the flow run under way."""
    context = FlowRunContext.get()
    return told(context.flow_run if context else None)


def told(run: Any) -> str:
    """In words, from what Prefect knows of a run."""
    if run is None or not run.deployment_id:
        return terminal()
    if run.auto_scheduled:
        return "its schedule"
    if run.created_by and run.created_by.type == "AUTOMATION":
        return f"the automation {run.created_by.display_value}"
    return "a person, in the UI or by prefect deployment run"


def terminal() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = "somebody"
    return f"a terminal, {name} on {socket.gethostname()}"
