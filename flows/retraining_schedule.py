"""The schedule of retraining, as last set by options of make ui or in the UI."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import tzlocal
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import SCHEDULE_TYPES
from pydantic import TypeAdapter, ValidationError

CRON = "0 3 * * *"
DATES_AHEAD = 20  # enough to include the longest gap of common schedules, as over weekends


def wanted(there: DeploymentResponse | None, cron: str | None, timezone: str | None) -> CronSchedule | None:
    """The schedule to set; None keeps the current one, paused or not. ValueError if an option is not
    valid.
    """
    if there and not cron and not timezone:
        return None
    made = _schedule(cron or (_cron_of(there) if there else None) or CRON, timezone or machine_zone())
    # Setting the same one again would restart the scheduler and the alarm.
    return None if there and [schedule.schedule for schedule in active(there)] == [made] else made


def check(cron: str | None, timezone: str | None) -> None:
    """ValueError with all problems of the options; None is valid."""
    _schedule(CRON if cron is None else cron, machine_zone() if timezone is None else timezone)


def _schedule(cron: str, timezone: str) -> CronSchedule:
    wrong, zone = [], timezone
    try:
        ZoneInfo(timezone)
        _next(CRON, timezone)
    except (ValueError, LookupError, OSError):  # the server may not know a zone that Python knows
        wrong.append(
            f"--timezone (TIMEZONE of make ui) {timezone!r} is not a known time zone: give a name such as"
            f" Europe/Berlin, or leave it out for the machine's time zone, {machine_zone()}"
        )
        zone = "UTC"
    if what := _fault(cron, zone):
        wrong.append(
            f"--cron (CRON of make ui) {cron!r} {what}: expected five fields, minute, hour, day of the"
            f" month, month and day of the week; {CRON!r} is every night at three"
        )
    if wrong:
        raise ValueError("\n".join(wrong))
    return CronSchedule(cron=cron, timezone=timezone)


def _fault(cron: str, timezone: str) -> str:
    """What is wrong with it; empty if nothing is. A sixth field would mean seconds: a run every second."""
    try:
        if len(cron.split()) != 5 and not re.fullmatch(r"@\w+", cron):
            return "is not a cron expression"
        _next(cron, timezone)
    except ValidationError:
        return "is not a cron expression"
    except ValueError:
        return "matches no date"
    return ""


def _next(cron: str, timezone: str) -> list[datetime]:
    return dates(CronSchedule(cron=cron, timezone=timezone), datetime.now(UTC), 1)


def _cron_of(there: DeploymentResponse) -> str | None:
    crons = [kept.schedule.cron for kept in there.schedules if isinstance(kept.schedule, CronSchedule)]
    return crons[0] if crons else None


def machine_zone() -> str:
    """The machine's time zone; UTC if it has none."""
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, ValueError):  # the machine's files contradict each other
        return "UTC"


def active(deployment: DeploymentResponse) -> list[DeploymentSchedule]:
    """The active schedules; none if the deployment is paused."""
    return [] if deployment.paused else [kept for kept in deployment.schedules if kept.active]


def dates(schedule: Any, start: datetime, number: int) -> list[datetime]:
    """The dates of the next runs, as the server computes them."""
    server_side: Any = TypeAdapter(SCHEDULE_TYPES).validate_python(schedule.model_dump())
    found: list[datetime] = asyncio.run(server_side.get_dates(n=number, start=start))
    return found


def longest_gap(schedules: Sequence[DeploymentSchedule], start: datetime) -> timedelta | None:
    """The longest time between two of the next runs; None if there are fewer than two."""
    ahead = [found for kept in schedules if (found := dates(kept.schedule, start, DATES_AHEAD))]
    if not ahead:
        return None
    known_until = min(found[-1] for found in ahead)
    planned = sorted({date for found in ahead for date in found if date <= known_until})
    return max((later - earlier for earlier, later in pairwise(planned)), default=None)


def described(schedules: Sequence[Any], start: datetime) -> str:
    """A text for the user: each schedule in its time zone, and the next run."""
    if not schedules:
        return "no schedule: it was paused or removed in the UI; resume it there, or set --cron"
    ahead = [date for schedule in schedules for date in dates(schedule, start, 1)]
    texts = ", ".join(_described(schedule) for schedule in schedules)
    zone = ZoneInfo(schedules[0].timezone or "UTC")
    return texts + (f"; next on {min(ahead).astimezone(zone):%a %d %b %Y, %H:%M %Z}" if ahead else "; never")


def _described(schedule: Any) -> str:
    if isinstance(schedule, CronSchedule):
        return f'"{schedule.cron}" in the time zone {schedule.timezone or "UTC"}'
    return f"every {schedule.interval}" if hasattr(schedule, "interval") else f"{schedule.rrule}"
