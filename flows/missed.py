"""Scheduled runs whose time passed while nothing was served: of each deployment only the newest runs."""

from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled

from flows.served_runs import deployments, runs


def skip_missed(client: SyncPrefectClient, now: datetime) -> list[str]:
    """Cancel the others, which would all start at once; says how many."""
    skipped = 0
    while older := _older(client, now):
        for run in older:
            client.set_flow_run_state(run.id, Cancelled(message="missed: a later one runs in its place"))
        skipped += len(older)
    return [f"runs that were missed: {skipped} are skipped, the newest takes place"] if skipped else []


def _older(client: SyncPrefectClient, now: datetime) -> list[FlowRun]:
    """A page of them at most."""
    found = []
    for deployment in deployments(client).values():
        due = runs(client, [StateType.SCHEDULED], deployment.id, due_before=now)
        found += [run for run in due if run.auto_scheduled][:-1]
    return found
