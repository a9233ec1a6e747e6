"""When retraining begins: what was set last, by options of make ui or by somebody in the UI."""

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
DATES_AHEAD = 20  # so many show the longest gap of what people write: over weekends, in short months


def wanted(there: DeploymentResponse | None, cron: str | None, timezone: str | None) -> CronSchedule | None:
    """The schedule to set; None leaves the one that is there, and whether it is paused. ValueError with
    what is wrong with an option.
    """
    if there and not cron and not timezone:
        return None
    made = _schedule(cron or (_cron_of(there) if there else None) or CRON, timezone or machine_zone())
    # The scheduler would begin anew, and the alarm too.
    return None if there and [schedule.schedule for schedule in active(there)] == [made] else made


def check(cron: str | None, timezone: str | None) -> None:
    """ValueError with all that is wrong with the options, of which None is right."""
    _schedule(CRON if cron is None else cron, machine_zone() if timezone is None else timezone)


def _schedule(cron: str, timezone: str) -> CronSchedule:
    wrong, zone = [], timezone
    try:
        ZoneInfo(timezone)
        _next(CRON, timezone)
    except (ValueError, LookupError, OSError):  # what Python knows the server may not
        wrong.append(
            f"--timezone (TIMEZONE of make ui) {timezone!r} is no time zone that is known: give a name such"
            f" as Europe/Berlin, or leave it out for this machine's own, {machine_zone()}"
        )
        zone = "UTC"
    if what := _fault(cron, zone):
        wrong.append(
            f"--cron (CRON of make ui) {cron!r} {what}: five fields are expected, minute, hour, day of the"
            f" month, month and day of the week; {CRON!r} is every night at three"
        )
    if wrong:
        raise ValueError("\n".join(wrong))
    return CronSchedule(cron=cron, timezone=timezone)


def _fault(cron: str, timezone: str) -> str:
    """What is wrong with it, if anything. A sixth field would mean seconds: a run every second."""
    try:
        if len(cron.split()) != 5 and not re.fullmatch(r"@\w+", cron):
            return "is no cron expression"
        _next(cron, timezone)
    except ValidationError:
        return "is no cron expression"
    except ValueError:
        return "is no day that ever comes"
    return ""


def _next(cron: str, timezone: str) -> list[datetime]:
    return dates(CronSchedule(cron=cron, timezone=timezone), datetime.now(UTC), 1)


def _cron_of(there: DeploymentResponse) -> str | None:
    crons = [kept.schedule.cron for kept in there.schedules if isinstance(kept.schedule, CronSchedule)]
    return crons[0] if crons else None


def machine_zone() -> str:
    """Its name, UTC where it has none."""
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, ValueError):  # the machine's files contradict each other
        return "UTC"


def active(deployment: DeploymentResponse) -> list[DeploymentSchedule]:
    """Those of its schedules by which runs begin."""
    return [] if deployment.paused else [kept for kept in deployment.schedules if kept.active]


def dates(schedule: Any, start: datetime, number: int) -> list[datetime]:
    """When the next runs are, as the server computes it."""
    server_side: Any = TypeAdapter(SCHEDULE_TYPES).validate_python(schedule.model_dump())
    found: list[datetime] = asyncio.run(server_side.get_dates(n=number, start=start))
    return found


def longest_gap(schedules: Sequence[DeploymentSchedule], start: datetime) -> timedelta | None:
    """Between two of the next runs; None if there are no two."""
    ahead = [found for kept in schedules if (found := dates(kept.schedule, start, DATES_AHEAD))]
    if not ahead:
        return None
    known_until = min(found[-1] for found in ahead)
    planned = sorted({date for found in ahead for date in found if date <= known_until})
    return max((later - earlier for earlier, later in pairwise(planned)), default=None)


def described(schedules: Sequence[Any], start: datetime) -> str:
    """For people: each schedule in its time zone, and the next run."""
    if not schedules:
        return "by no schedule: it was paused or removed in the UI, where it can be resumed, or give --cron"
    ahead = [date for schedule in schedules for date in dates(schedule, start, 1)]
    texts = ", ".join(_described(schedule) for schedule in schedules)
    zone = ZoneInfo(schedules[0].timezone or "UTC")
    return texts + (f"; next on {min(ahead).astimezone(zone):%a %d %b %Y, %H:%M %Z}" if ahead else "; never")


def _described(schedule: Any) -> str:
    if isinstance(schedule, CronSchedule):
        return f'"{schedule.cron}" in the time zone {schedule.timezone or "UTC"}'
    return f"every {schedule.interval}" if hasattr(schedule, "interval") else f"{schedule.rrule}"
