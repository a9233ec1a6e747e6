"""make ui in a real browser: what is deployed, a run started by hand, what its page shows, a run cancelled.

With EARSHOT_PICTURES=FOLDER the pictures of the README are made.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dvc_project import Project, make_project
from prefect_server import Server
from served_flows import serving

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
MINUTES = 60_000.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("project").resolve(), max_epochs=6)
    for max_epochs in (6, 3000):
        made.vouch({"train.trainer.max_epochs": max_epochs})
    return made


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project) as started:
        yield started


@pytest.fixture(scope="module")
def page(server: Server) -> Iterator["playwright.Page"]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        opened = browser.new_page(viewport={"width": 1400, "height": 900})
        opened.set_default_timeout(MINUTES)
        yield opened
        browser.close()


def picture(page: "playwright.Page", name: str) -> None:
    if folder := os.environ.get("EARSHOT_PICTURES"):
        page.wait_for_timeout(2000)
        page.screenshot(path=Path(folder) / f"{name}.png")


def start_run(page: "playwright.Page", server: Server) -> str:
    """Start the pipeline from its deployment's page; the run's id."""
    known = runs_of_the_pipeline(server)
    page.goto(f"{server.url}/deployments")
    page.get_by_role("link", name="pipeline", exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Quick run").click()
    deadline = time.monotonic() + 60
    while not (new := runs_of_the_pipeline(server) - known):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return str(new.pop())


def runs_of_the_pipeline(server: Server) -> set[str]:
    """Not the scheduler's, which adds those of nightly when it likes."""
    named = {"name": {"any_": ["pipeline"]}}
    return {run["id"] for run in server.ask("flow_runs/filter", deployments=named)}


def open_run(page: "playwright.Page", server: Server, run: str) -> None:
    page.goto(f"{server.url}/runs/flow-run/{run}")


def wait_for_state(page: "playwright.Page", state: str) -> None:
    badge = page.locator(".state-badge", has_text=re.compile(f"^{state}$")).first
    badge.wait_for(timeout=4 * MINUTES)


def test_the_flows_are_deployed_and_retraining_is_scheduled(page: "playwright.Page", server: Server) -> None:
    page.goto(f"{server.url}/deployments")
    for name in ("pipeline", "nightly", "tune"):
        page.get_by_role("link", name=name, exact=True).first.wait_for()
    page.get_by_text("At 03:00 AM every day").wait_for()
    picture(page, "deployments")


def test_the_form_of_the_pipeline_explains_its_fields_and_offers_the_recipes(
    page: "playwright.Page", server: Server
) -> None:
    (pipeline,) = server.ask("deployments/filter", deployments={"name": {"any_": ["pipeline"]}})
    page.goto(f"{server.url}/deployments/deployment/{pipeline['id']}/run")
    page.get_by_text("values of params.yaml to change").wait_for()
    page.get_by_text("listed", exact=True).click()
    picture(page, "form")


def test_a_run_started_in_the_browser_completes_and_shows_its_metrics(
    page: "playwright.Page", server: Server, project: Project
) -> None:
    run = start_run(page, server)
    open_run(page, server, run)
    wait_for_state(page, "Completed")
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("metrics", exact=True).first.wait_for()
    picture(page, "run")
    (metrics,) = [artifact for artifact in server.artifacts() if artifact["key"] == "metrics"]
    page.goto(f"{server.url}/artifacts/artifact/{metrics['id']}")
    page.get_by_text("wer", exact=True).wait_for()
    picture(page, "metrics")
    (loss,) = [artifact for artifact in server.artifacts() if artifact["key"] == "loss"]
    page.goto(f"{server.url}/artifacts/artifact/{loss['id']}")
    page.locator("img[src^='data:image/png']").wait_for()
    assert "base64" not in page.inner_text("body")
    picture(page, "loss")


def test_a_second_run_shows_that_nothing_changed(page: "playwright.Page", server: Server) -> None:
    open_run(page, server, start_run(page, server))
    wait_for_state(page, "Completed")
    page.get_by_text("Task Runs", exact=True).first.click()
    page.get_by_text("Unchanged").first.wait_for()
    assert page.get_by_text("Unchanged").count() >= 5
    picture(page, "unchanged")


def trains(process: psutil.Process) -> bool:
    try:
        return "stages.train" in process.cmdline()
    except psutil.Error:  # it has ended meanwhile
        return False


def test_a_run_cancelled_in_the_browser_leaves_no_process(
    page: "playwright.Page", server: Server, project: Project
) -> None:
    project.set({"train.trainer.max_epochs": 3000})
    run = start_run(page, server)
    deadline = time.monotonic() + 120
    while not list((project.folder / ".scratch" / "train").glob("*/*/resume/last.ckpt")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    open_run(page, server, run)
    picture(page, "training")
    page.get_by_role("button", name="Cancel", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    started = time.monotonic()
    while any(map(trains, project.processes())):
        assert time.monotonic() - started < 15
        time.sleep(0.2)
    wait_for_state(page, "Cancelled")
    assert not (project.folder / "artifacts" / "train" / "best.ckpt").exists()
