"""Skip scheduled runs whose time passed while nothing was served, except the newest of each deployment."""

from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled

from flows.served_runs import deployments, runs


def skip_missed(client: SyncPrefectClient, now: datetime) -> list[str]:
    """Cancel older runs, which would all start at the same time; return a line with their number."""
    skipped = 0
    while older := _older(client, now):
        for run in older:
            client.set_flow_run_state(run.id, Cancelled(message="missed: a later run takes its place"))
        skipped += len(older)
    return [f"missed runs: {skipped} skipped, the newest one runs"] if skipped else []


def _older(client: SyncPrefectClient, now: datetime) -> list[FlowRun]:
    """At most one page of them."""
    found = []
    for deployment in deployments(client).values():
        due = runs(client, [StateType.SCHEDULED], deployment.id, due_before=now)
        found += [run for run in due if run.auto_scheduled][:-1]
    return found
