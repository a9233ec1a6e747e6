"""End runs whose process was killed as Crashed.

Otherwise the server would show them as running forever. They would keep the only slot of their deployment,
and every later run would be cancelled.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import filters
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Crashed

from flows import run_process
from flows.cancelled import end_tasks
from flows.run_process import RunProcess
from flows.served_runs import AT_MOST, UNDER_WAY, runs

START_TAKES = timedelta(minutes=5)  # at most, for a run's process


def end_crashed(client: SyncPrefectClient, start_takes: timedelta = START_TAKES) -> list[str]:
    """End the runs of our deployments whose process is gone, and free their slots. Return a line for each.

    ``start_takes``: a run that has been pending for this long without a process will never start.
    """
    noted = run_process.noted()
    under_way = runs(client, UNDER_WAY)
    said = []
    for run in under_way:
        if reason := _reason(run, noted.get(str(run.id)), start_takes):
            _end(client, run, reason)
            said.append(f"the run {run.name} crashed: {reason}")
    _forget(client, noted.keys() - {str(run.id) for run in under_way})
    return said


def _reason(run: FlowRun, process: RunProcess | None, start_takes: timedelta) -> str | None:
    if process:
        where = f"process {process.number} on {process.host}"
        return f"{where} is gone: it was killed, or the machine stopped" if process.is_gone() else None
    if not run.state or not run.state.is_pending():
        return None
    if datetime.now(UTC) - run.state.timestamp < start_takes:
        return None
    return "its process never started: the process that should have started it was killed"


def _end(client: SyncPrefectClient, run: FlowRun, reason: str) -> None:
    """End a run and its tasks."""
    assert run.state
    ended = Cancelled if run.state.is_cancelling() else Crashed
    client.set_flow_run_state(run.id, ended(message=reason))
    end_tasks(client, run.id, UNDER_WAY, ended(message=reason))


def _forget(client: SyncPrefectClient, ended: Iterable[str]) -> None:
    """Remove the notes of runs that have ended; notes of other servers' runs stay."""
    if not (ids := [UUID(run) for run in ended][:AT_MOST]):
        return
    wanted = filters.FlowRunFilter(id=filters.FlowRunFilterId(any_=ids))
    for run in client.read_flow_runs(flow_run_filter=wanted, limit=AT_MOST):
        if run.state and run.state.is_final():
            run_process.path_of(str(run.id)).unlink(missing_ok=True)
