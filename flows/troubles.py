"""Detect scheduled runs that do not take place, through the server's API."""

from datetime import datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse

from flows.retraining_schedule import active, dates, longest_gap
from flows.served_runs import UNDER_WAY, newest, runs

LATE = timedelta(minutes=3)
PERIODS_WITHOUT_END = 1.5


def not_planned(client: SyncPrefectClient, deployment: DeploymentResponse, now: datetime) -> str | None:
    """Whether its active schedule has a next date, but no run is planned."""
    if not any(dates(kept.schedule, now, 1) for kept in active(deployment)):
        return None
    if runs(client, [StateType.SCHEDULED], deployment.id, due_after=now):
        return None
    return (
        f"the scheduler of the Prefect server does not work: {deployment.name} has a schedule, but no planned"
        " run. See the server's log"
    )


def not_started(client: SyncPrefectClient, deployment: DeploymentResponse, now: datetime) -> str | None:
    """Whether its runs are minutes late while none is in progress."""
    late = runs(client, [StateType.SCHEDULED], deployment.id, due_before=now - LATE)
    if not late or runs(client, UNDER_WAY, deployment.id):
        return None
    due = late[0].next_scheduled_start_time
    assert due
    return (
        f"runs of {deployment.name} do not start: one has waited since {due.astimezone():%d %b, %H:%M}, and"
        " none is in progress. Restart make ui"
    )


def not_ended(
    client: SyncPrefectClient,
    deployment: DeploymentResponse,
    now: datetime,
    since: datetime,
    alarm_hours: float | None,
) -> str | None:
    """Whether no run has completed for longer than its schedule lets expect.

    The time counts from ``since``, or from when the schedule was set.
    """
    schedules = active(deployment)
    period = longest_gap(schedules, now)
    if not period:
        return None
    allowed = timedelta(hours=alarm_hours) if alarm_hours else PERIODS_WITHOUT_END * period
    ended = newest(client, deployment.id, [StateType.COMPLETED])
    begun = [since, *(kept.updated for kept in schedules if kept.updated)]
    if ended and ended.end_time:
        begun.append(ended.end_time)
    if now - max(begun) <= allowed:
        return None
    last = "none has ever completed"
    if ended and ended.end_time:
        last = f"the last one completed on {ended.end_time.astimezone():%d %b %Y, %H:%M}"
    return f"no retraining has completed within {_told(allowed)}; {last}"


def _told(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    return f"{round(minutes, 2):g} minutes" if minutes < 60 else f"{round(minutes / 60, 2):g} hours"
