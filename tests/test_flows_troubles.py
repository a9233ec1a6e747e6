"""Detection of runs that do not take place, on a real server where nothing serves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Completed, Pending, Running
from prefect_server import Server
from waiting import wait_for

from flows import run_process, starter
from flows.crashed import end_crashed
from flows.missed import skip_missed
from flows.served_runs import deployments, runs
from flows.troubles import not_ended, not_planned, not_started

MINUTELY = DeploymentScheduleCreate(schedule=CronSchedule(cron="* * * * *", timezone="UTC"), active=True)
LATER = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_process, "NOTES", tmp_path)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[SyncPrefectClient]:
    with SyncPrefectClient(f"{server.url}/api") as made:
        yield made


@pytest.fixture
def nightly(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    """Runs are planned but never started."""
    flow = client.create_flow_from_name("retrain")
    made = client.create_deployment(flow, "nightly", schedules=[MINUTELY])
    wait_for(lambda: len(runs(client, [StateType.SCHEDULED])) >= 10, 300)
    yield deployments(client)["nightly"]
    for run in runs(client, StateType):
        client.delete_flow_run(run.id)
    client.delete_deployment(made)


def state_of(client: SyncPrefectClient, run: UUID) -> tuple[str | None, str | None]:
    state = client.read_flow_run(run).state
    assert state
    return state.name, state.message


def test_runs_that_nobody_starts_are_late_unless_one_is_under_way(
    client: SyncPrefectClient, nightly: DeploymentResponse
) -> None:
    now = datetime.now(UTC)
    assert not_planned(client, nightly, now) is None
    assert not_started(client, nightly, now) is None
    late = not_started(client, nightly, now + LATER)
    assert late
    assert late.startswith("runs of nightly do not start: one has waited since ")
    first = runs(client, [StateType.SCHEDULED])[0]
    client.set_flow_run_state(first.id, Running(), force=True)
    assert not_started(client, nightly, now + LATER) is None


def test_a_retraining_is_missed_after_one_and_a_half_periods(
    client: SyncPrefectClient, nightly: DeploymentResponse
) -> None:
    now = datetime.now(UTC)
    assert not_ended(client, nightly, now + timedelta(seconds=60), now, None) is None
    missing = not_ended(client, nightly, now + timedelta(seconds=95), now, None)
    assert missing == "no retraining has completed within 1.5 minutes; none has ever completed"
    assert not_ended(client, nightly, now + timedelta(seconds=95), now, alarm_hours=1) is None
    first = runs(client, [StateType.SCHEDULED])[0]
    client.set_flow_run_state(first.id, Completed(), force=True)
    ended = client.read_flow_run(first.id).end_time
    assert ended
    missing = not_ended(client, nightly, ended + timedelta(hours=26), now, alarm_hours=25.5)
    last = f"the last one completed on {ended.astimezone():%d %b %Y, %H:%M}"
    assert missing == f"no retraining has completed within 25.5 hours; {last}"
    paused = nightly.model_copy(update={"paused": True})
    assert not_ended(client, paused, now + timedelta(days=3), now, None) is None


def test_of_missed_runs_only_the_newest_takes_place(
    client: SyncPrefectClient, nightly: DeploymentResponse
) -> None:
    then = datetime.now(UTC) + LATER
    missed = runs(client, [StateType.SCHEDULED], due_before=then)
    assert skip_missed(client, then) == [f"missed runs: {len(missed) - 1} skipped, the newest one runs"]
    assert [run.id for run in runs(client, [StateType.SCHEDULED], due_before=then)] == [missed[-1].id]
    assert state_of(client, missed[0].id) == ("Cancelled", "missed: a later run takes its place")
    assert skip_missed(client, then) == []


def test_a_run_of_the_schedule_is_told_from_one_that_a_person_started(
    client: SyncPrefectClient, nightly: DeploymentResponse
) -> None:
    by_schedule = runs(client, [StateType.SCHEDULED])[0]
    by_a_person = client.create_flow_run_from_deployment(nightly.id)  # as the UI and the command do
    assert starter.told(by_schedule) == "its schedule"
    assert starter.told(by_a_person) == "a user, in the UI or with prefect deployment run"


def test_a_run_whose_process_never_began_crashes_when_it_could_have_begun(
    client: SyncPrefectClient, nightly: DeploymentResponse
) -> None:
    run = client.create_flow_run_from_deployment(nightly.id, state=Pending())
    assert end_crashed(client) == []
    (said,) = end_crashed(client, start_takes=timedelta())
    assert said.startswith(f"the run {run.name} crashed: its process never started")
    assert state_of(client, run.id)[0] == "Crashed"
