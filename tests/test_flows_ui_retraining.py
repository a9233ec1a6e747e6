"""Scheduled retraining in a real browser: automatic start, pause, new data, rollback."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import Fields, open_artifact, open_run, picture, start_run, wait_for_state
from dvc_project import Project
from prefect_server import Server
from recorded_project import make_recorded_project, record
from served_flows import serving
from waiting import wait_for

from flows.champions import PAGE
from flows.deploy import LOG
from stages.corpora.tones import Tones

if TYPE_CHECKING:
    from playwright.sync_api import Page

DROP: Fields = {"drop_folder": "drop", "Max New Characters": "0.05"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_recorded_project(tmp_path_factory.mktemp("project").resolve())


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project, "--cron", "* * * * *") as started:
        yield started


@pytest.fixture(scope="module")
def scheduled(server: Server, project: Project) -> str:
    """The first completed retraining, which the schedule started."""
    wanted = {"state": {"type": {"any_": ["COMPLETED"]}}}
    nightly = {"name": {"any_": ["nightly"]}}
    (first,) = wait_for(
        lambda: server.ask("flow_runs/filter", deployments=nightly, flow_runs=wanted),
        said=(project.folder / LOG).read_text,
    )
    assert first["auto_scheduled"]
    return str(first["id"])


def test_retraining_begins_by_its_schedule_and_promotes_a_first_champion(
    scheduled: str, project: Project
) -> None:
    assert project.run("git", "tag", "--list").split() == ["champion/0001"]


def test_the_page_of_a_scheduled_run_says_that_nobody_started_it(
    scheduled: str, page: "Page", server: Server
) -> None:
    open_run(page, server, scheduled)
    wait_for_state(page, "Promoted")
    page.get_by_text("promoted champion/0001").first.wait_for()
    page.get_by_text("auto-scheduled", exact=True).first.wait_for()
    page.get_by_text("Details", exact=True).first.click()
    page.get_by_text("CronSchedule", exact=True).wait_for()
    picture(page, "scheduled")
    open_artifact(page, server, "verdict")
    page.get_by_text("its schedule", exact=True).wait_for()


def test_the_schedule_is_paused_in_the_browser(page: "Page", server: Server) -> None:
    nightly = {"name": {"any_": ["nightly"]}}
    page.goto(f"{server.url}/deployments")
    page.get_by_role("link", name="nightly", exact=True).first.click()
    page.locator(".deployment-schedule-card .p-toggle").click()

    def is_active() -> bool:
        (found,) = server.ask("deployments/filter", deployments=nightly)
        return bool(found["schedules"][0]["active"])

    wait_for(lambda: not is_active(), 60)
    under_way = {"state": {"type": {"any_": ["PENDING", "RUNNING"]}}}  # it would block a later one
    wait_for(lambda: not server.ask("flow_runs/filter", deployments=nightly, flow_runs=under_way))


def test_new_data_in_a_drop_folder_that_the_form_names_make_a_champion(
    page: "Page", server: Server, project: Project
) -> None:
    record(project.folder / "drop", "new", Tones(num_train=64, num_validation=1, num_test=1), seed=1)
    open_run(page, server, start_run(page, server, "nightly", DROP))
    wait_for_state(page, "Promoted")
    page.get_by_text("promoted champion/0002").first.wait_for()
    open_artifact(page, server, "verdict")
    page.get_by_text("champion/0002 is the champion now").first.wait_for()
    page.get_by_text("64 utterances").first.wait_for()
    page.get_by_text("a user, in the UI").first.wait_for()
    picture(page, "verdict")
    open_artifact(page, server, "champions")
    page.locator("img[src^='data:image/png']").wait_for()
    page.get_by_text("champion/0002").first.wait_for()


def test_a_rollback_stands_on_both_pages_of_champions(page: "Page", server: Server, project: Project) -> None:
    said = project.run(sys.executable, "-m", "flows.retrain", "--rollback")
    assert "the champion is champion/0003 now, the model of champion/0001 again" in said
    page.goto((project.folder / PAGE).as_uri())
    page.get_by_text("rolled back from champion/0002").first.wait_for()
    picture(page, "champions", whole=True)
    open_run(page, server, start_run(page, server, "nightly", DROP))
    wait_for_state(page, "NothingNew")
    open_artifact(page, server, "champions")
    page.get_by_text("rolled back from champion/0002").first.wait_for()
