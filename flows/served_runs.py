"""Query the server for the deployments that make ui serves, and their runs."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import filters
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

RETRAINING = "nightly"
SERVED = ("pipeline", RETRAINING, "tune")
UNDER_WAY = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
AT_MOST = 200  # the server's page size limit

_OURS = filters.DeploymentFilter(name=filters.DeploymentFilterName(any_=list(SERVED)))


def deployments(client: SyncPrefectClient) -> dict[str, DeploymentResponse]:
    """The registered deployments by name."""
    return {found.name: found for found in client.read_deployments(deployment_filter=_OURS)}


def runs(
    client: SyncPrefectClient,
    states: Iterable[StateType],
    deployment: UUID | None = None,
    due_after: datetime | None = None,
    due_before: datetime | None = None,
) -> list[FlowRun]:
    """The runs in one of these states, next due first."""
    wanted = filters.FlowRunFilter(
        state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=list(states))),
        deployment_id=filters.FlowRunFilterDeploymentId(any_=[deployment]) if deployment else None,
    )
    if due_after or due_before:
        wanted.next_scheduled_start_time = filters.FlowRunFilterNextScheduledStartTime.model_validate(
            {"after_": due_after, "before_": due_before}
        )
    return client.read_flow_runs(
        flow_run_filter=wanted,
        deployment_filter=_OURS,
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
        limit=AT_MOST,
    )


def newest(client: SyncPrefectClient, deployment: UUID, states: Iterable[StateType]) -> FlowRun | None:
    """The run that ended last in one of these states."""
    wanted = filters.FlowRunFilter(
        state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=list(states))),
        deployment_id=filters.FlowRunFilterDeploymentId(any_=[deployment]),
    )
    found = client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.END_TIME_DESC, limit=1)
    return found[0] if found else None
