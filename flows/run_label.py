"""What a run in the UI is called, and the tags by which it is found."""

from collections.abc import Iterable

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext


def label(name: str, tags: Iterable[str]) -> None:
    """Name the flow run under way; tags that it has stay."""
    context = FlowRunContext.get()
    if not context or not context.flow_run:
        return
    run = context.flow_run
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, name=name, tags=sorted({*run.tags, *tags}))
