"""Set the name and the tags of a run in the UI."""

from collections.abc import Iterable

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext


def label(name: str, tags: Iterable[str]) -> None:
    """Set the name of the current flow run and add tags to it."""
    context = FlowRunContext.get()
    if not context or not context.flow_run:
        return
    run = context.flow_run
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, name=name, tags=sorted({*run.tags, *tags}))
