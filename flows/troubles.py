"""What keeps scheduled runs from taking place, as the server's API shows it."""

from datetime import datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse

from flows.retraining_schedule import active, dates, longest_gap
from flows.served_runs import UNDER_WAY, newest, runs

LATE = timedelta(minutes=3)
PERIODS_WITHOUT_END = 1.5


def not_planned(client: SyncPrefectClient, deployment: DeploymentResponse, now: datetime) -> str | None:
    """Its schedule is active and has a date ahead, but no run was made for it."""
    if not any(dates(kept.schedule, now, 1) for kept in active(deployment)):
        return None
    if runs(client, [StateType.SCHEDULED], deployment.id, due_after=now):
        return None
    return (
        f"the scheduler of the Prefect server does not work: {deployment.name} has a schedule, and no run of"
        " it is planned. The server's log says why"
    )


def not_started(client: SyncPrefectClient, deployment: DeploymentResponse, now: datetime) -> str | None:
    """Its runs are late by minutes while none is under way."""
    late = runs(client, [StateType.SCHEDULED], deployment.id, due_before=now - LATE)
    if not late or runs(client, UNDER_WAY, deployment.id):
        return None
    due = late[0].next_scheduled_start_time
    assert due
    return (
        f"runs of {deployment.name} do not start: one has waited since {due.astimezone():%d %b, %H:%M}, and"
        " none is under way. Start make ui again"
    )


def not_ended(
    client: SyncPrefectClient,
    deployment: DeploymentResponse,
    now: datetime,
    since: datetime,
    alarm_hours: float | None,
) -> str | None:
    """No run of it was completed for longer than its schedule lets expect.

    ``since``: what was before does not count; nor does what was before the schedule was set.
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
    last = "none ever did"
    if ended and ended.end_time:
        last = f"the last one completed on {ended.end_time.astimezone():%d %b %Y, %H:%M}"
    return f"no retraining has completed within {_told(allowed)}; {last}"


def _told(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    return f"{round(minutes, 2):g} minutes" if minutes < 60 else f"{round(minutes / 60, 2):g} hours"
