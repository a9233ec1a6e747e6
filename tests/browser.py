"""The Prefect UI in a real Chromium, and what people do there, for tests.

With EARSHOT_PICTURES=FOLDER the pictures of the pages are made.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prefect_server import Server
from waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# The graph of a run moves all the time: without a GPU that takes half a core. Pictures show it.
STILL = [] if os.environ.get("EARSHOT_PICTURES") else ["--disable-software-rasterizer"]
MINUTES = 60_000.0
Fields = dict[str, str | list[str]]


@contextmanager
def open_page() -> Iterator["Page"]:
    """A page of a browser of its own; a test that asks for it is skipped where there is none."""
    playwright: Any = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium here: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET + STILL)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(2 * MINUTES)
        yield page
        browser.close()


def picture(page: "Page", name: str, whole: bool = False) -> None:
    """Of what is seen without scrolling, or of the whole page."""
    if folder := os.environ.get("EARSHOT_PICTURES"):
        page.wait_for_timeout(2000)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)


def start_run(page: "Page", server: Server, deployment: str, fields: Fields | None = None) -> str:
    """Start a run from the page of a deployment, with its form if fields of it are to be filled; its id."""
    known = started_by_hand(server, deployment)
    page.goto(f"{server.url}/deployments")
    page.get_by_role("link", name=deployment, exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run" if fields else "Quick run").click()
    for name, value in (fields or {}).items():
        fill(page, name, value)
    if fields:
        page.get_by_role("button", name="Submit", exact=True).click()
    return wait_for(lambda: started_by_hand(server, deployment) - known, 120).pop()


def fill(page: "Page", name: str, value: str | list[str]) -> None:
    """A field of a form, of which the kind is chosen first where it may be of several."""
    label = page.locator("label", has_text=re.compile(rf"^\s*{name}\b"))
    field = page.locator(".schema-form-property", has=label).last
    field.wait_for()
    if isinstance(value, list):
        field.get_by_role("button", name="list", exact=True).click()
        for item in value:
            field.get_by_role("button", name="Add item").click()
            field.locator("textarea").last.fill(item)
        return
    if (kind := field.get_by_role("button", name="str", exact=True)).count():
        kind.click()
    field.locator("textarea, input").first.fill(value)


def started_by_hand(server: Server, deployment: str) -> set[str]:
    """Its runs; not the scheduler's, which adds them when it likes."""
    runs = server.ask("flow_runs/filter", deployments={"name": {"any_": [deployment]}})
    return {run["id"] for run in runs if not run["auto_scheduled"]}


def open_run(page: "Page", server: Server, run: str) -> None:
    page.goto(f"{server.url}/runs/flow-run/{run}")


def wait_for_state(page: "Page", state: str) -> None:
    """Of the run whose page is open."""
    badge = page.locator(".state-badge", has_text=re.compile(f"^{state}$")).first
    badge.wait_for(timeout=10 * MINUTES)  # on a busy machine too


def open_artifact(page: "Page", server: Server, key: str) -> None:
    """The newest one of a key."""
    newest = [artifact["id"] for artifact in server.artifacts() if artifact["key"] == key][-1]
    page.goto(f"{server.url}/artifacts/artifact/{newest}")
