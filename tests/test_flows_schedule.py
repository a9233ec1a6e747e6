"""The schedule of retraining: time zones, and which of two schedules counts."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import tzlocal
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from flows.retraining_schedule import check, dates, described, longest_gap, machine_zone, wanted

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
NIGHTLY = "0 3 * * *"


def cron(text: str, timezone: str = "UTC") -> CronSchedule:
    return CronSchedule(cron=text, timezone=timezone)


def deployment(*schedules: Any, paused: bool = False) -> DeploymentResponse:
    kept = [DeploymentSchedule(schedule=schedule, active=True) for schedule in schedules]
    return DeploymentResponse(id=uuid4(), name="nightly", flow_id=uuid4(), schedules=kept, paused=paused)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_every_night_of_a_year_has_one_retraining_at_three_by_its_clocks(zone: str) -> None:
    nights = [date.astimezone(ZoneInfo(zone)) for date in dates(cron(NIGHTLY, zone), NEW_YEAR, 365)]
    assert [(night.hour, night.minute) for night in nights] == [(3, 0)] * 365
    days = [night.date() for night in nights]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


def test_a_time_that_a_change_of_clocks_skips_or_repeats_comes_once() -> None:
    zone = ZoneInfo("Europe/Berlin")
    nights = [date.astimezone(zone) for date in dates(cron("30 2 * * *", "Europe/Berlin"), NEW_YEAR, 365)]
    assert len({night.date() for night in nights}) == 365
    spring, autumn = (f"{day:%H:%M %z}" for day in nights if f"{day:%d%m}" in ("2803", "3110"))
    assert spring == "01:30 +0100"  # an hour before the former 03:30
    assert autumn == "02:30 +0200"


def test_the_first_schedule_is_of_this_machines_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: "Europe/Berlin")
    assert wanted(None, None, None) == cron(NIGHTLY, "Europe/Berlin")
    assert wanted(None, "0 5 * * 1", None) == cron("0 5 * * 1", "Europe/Berlin")
    assert wanted(None, None, "Asia/Tokyo") == cron(NIGHTLY, "Asia/Tokyo")


def test_a_machine_whose_time_zone_has_no_name_has_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: None)
    assert machine_zone() == "UTC"


def test_what_is_there_stays_unless_an_option_says_otherwise() -> None:
    there = deployment(cron("0 5 * * *", "Asia/Tokyo"))
    assert wanted(there, None, None) is None
    assert wanted(deployment(), None, None) is None  # removed in the UI
    assert wanted(there, None, "UTC") == cron("0 5 * * *")
    assert wanted(there, NIGHTLY, "UTC") == cron(NIGHTLY)


def test_an_option_that_says_what_is_there_changes_nothing_but_resumes_what_is_paused() -> None:
    assert wanted(deployment(cron(NIGHTLY)), NIGHTLY, "UTC") is None
    assert wanted(deployment(cron(NIGHTLY), paused=True), NIGHTLY, "UTC") == cron(NIGHTLY)


@pytest.mark.parametrize(
    ("cron", "what"),
    [
        ("every night", "is not a cron expression"),
        ("60 3 * * *", "is not a cron expression"),
        ("", "is not a cron expression"),
        ("* * * * * *", "is not a cron expression"),
        ("0 3 * * * 0 2030", "is not a cron expression"),
        ("@never", "is not a cron expression"),
        ("0 3 31 2 *", "matches no date"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_what_was_expected(cron: str, what: str) -> None:
    with pytest.raises(ValueError, match=rf"^--cron .* {re.escape(repr(cron))} {what}: expected five fields"):
        check(cron, None)


def test_a_word_for_a_schedule_is_taken() -> None:
    check("@daily", None)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "+02:00", "localtime"])
def test_what_is_no_time_zone_is_refused_with_an_example(zone: str) -> None:
    with pytest.raises(ValueError, match=rf"^--timezone .* {re.escape(repr(zone))} is not .* Europe/Berlin"):
        check(None, zone)


def test_all_that_is_wrong_with_the_options_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"(?s)^--timezone .*\n--cron "):
        wanted(None, "every night", "Europe/Nowhere")


def test_the_longest_gap_is_that_of_a_weekend() -> None:
    gap = longest_gap(deployment(cron("0 3 * * 1-5")).schedules, NEW_YEAR)
    assert gap == timedelta(days=3)


def test_two_schedules_together_have_the_gaps_between_all_their_dates() -> None:
    both = deployment(cron("0 0 * * *"), IntervalSchedule(interval=timedelta(hours=8), anchor_date=NEW_YEAR))
    assert longest_gap(both.schedules, NEW_YEAR) == timedelta(hours=8)
    assert longest_gap([], NEW_YEAR) is None


def test_a_schedule_is_described_by_its_time_zone_and_its_next_run() -> None:
    described_so = described([cron(NIGHTLY, "Europe/Berlin")], NEW_YEAR)
    assert described_so == ('"0 3 * * *" in the time zone Europe/Berlin; next on Fri 01 Jan 2027, 03:00 CET')
    assert described([], NEW_YEAR).startswith("no schedule: ")
