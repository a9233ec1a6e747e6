"""End the tasks of a cancelled run as Cancelled: Prefect takes the signal that stops them for a crash."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from prefect import Flow, State, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import filters
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled

from flows.served_runs import AT_MOST, UNDER_WAY


def end_with_run(flow: Flow[..., Any], flow_run: FlowRun, state: State) -> None:
    """The ``on_cancellation`` hook of a flow. The flow's process has ended by then."""
    with get_client(sync_client=True) as client:
        ended: State[Any] = Cancelled(message="the run was cancelled")
        end_tasks(client, flow_run.id, [*UNDER_WAY, StateType.CRASHED], ended)


def end_tasks(client: SyncPrefectClient, run: UUID, states: Iterable[StateType], ended: State) -> None:
    """End the tasks of a run that are in one of these states."""
    of_run = filters.TaskRunFilter(
        flow_run_id=filters.TaskRunFilterFlowRunId(any_=[run]),
        state=filters.TaskRunFilterState(type=filters.TaskRunFilterStateType(any_=list(states))),
    )
    for task in client.read_task_runs(task_run_filter=of_run, limit=AT_MOST):
        client.set_task_run_state(task.id, ended, force=True)
