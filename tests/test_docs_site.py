"""The pages as a site: built without a warning, and looked at in a real Chromium."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from built_once import built_once

from docs.build import build

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
UNSEEN = "[...document.images].filter(image => !image.naturalWidth).map(image => image.src)"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def build_site(folder: Path) -> None:
    assert build(folder), "python -m docs.build says why"


@pytest.fixture(scope="module")
def site() -> Path:
    return built_once("pages", build_site) / "site"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def names(site: Path) -> list[str]:
    """All pages, and one for all pages of classes, which are alike."""
    found = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if path.stem != "404")
    return [name for name in found if "/classes/" not in name or name.endswith("/tokens.html")]


def test_the_search_knows_keys_classes_and_problems(site: Path) -> None:
    found = json.dumps(json.loads((site / "search.json").read_text("utf-8")))
    for text in ("max_batch_seconds", "stages.corpora.table.Table", "The loss is NaN or infinite"):
        assert text in found, text


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pages_fit_the_screen_and_ask_no_other_server(
    size: dict[str, int], site: Path, address: str, page: "Page"
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in names(site):
        page.goto(f"{address}/{name}")
        assert not page.evaluate(SIDEWAYS), name
        assert page.evaluate(UNSEEN) == [], name
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_the_search_leads_to_a_page(address: str, page: "Page") -> None:
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(f"{address}/index.html")
    page.get_by_role("button", name="Search").first.click()
    page.get_by_placeholder("Search").fill("out of memory")
    page.get_by_role("option", name="Out of memory").first.click()
    page.wait_for_url("**/troubleshooting.html*")
