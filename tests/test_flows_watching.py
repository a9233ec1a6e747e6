"""make ui reports when scheduled runs do not take place, and when they do again."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from dvc_project import Project, make_project
from judged_project import judge
from served_flows import PREFECT, serving
from waiting import wait_for

from flows.notification import notify
from flows.watching import Told


def test_a_trouble_is_told_once_when_it_lasts_and_once_when_it_is_over() -> None:
    said: list[str] = []
    told = Told(said.append)
    told.update({"a": "a is late", "b": "b is late"})
    assert said == []
    told.update({"a": "a is late"})
    told.update({"a": "a is later"})
    assert said == ["a is late"]
    told.update({})
    told.update({"a": "a is late"})
    assert said == ["a is late", "over: a is late"]


class Webhook(HTTPServer):
    """The posts to the webhook."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.texts: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Receiver(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.texts.append(json.loads(body)["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_people_are_notified_outside_of_a_run_too(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("EARSHOT_WEBHOOK_URL", webhook.url)
    notify("nothing runs")
    assert webhook.texts == ["nothing runs"]
    monkeypatch.setenv("EARSHOT_WEBHOOK_URL", "http://127.0.0.1:9/secret")
    notify("nothing runs")
    assert "secret" not in caplog.text


def wait_for_text(webhook: Webhook, text: str, project: Project) -> str:
    return wait_for(lambda: [said for said in webhook.texts if text in said], 300, project.log)[0]


def test_a_scheduler_that_does_not_work_and_the_retraining_that_never_ends_are_told(
    tmp_path: Path, webhook: Webhook
) -> None:
    project = make_project(tmp_path.resolve() / "project", max_epochs=1, light=True)
    judge(project)
    project.environment["EARSHOT_WEBHOOK_URL"] = webhook.url
    project.environment["PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED"] = "false"
    options = ("--cron", "* * * * *", "--watch-seconds", "1", "--alarm-hours", "0.002")
    with serving(project, *options) as server:
        broken = "the scheduler of the Prefect server does not work: nightly has a schedule"
        missing = "no retraining has completed within 0.12 minutes; none has ever completed"
        for text in (broken, missing):
            assert wait_for_text(webhook, text, project).startswith("Earshot: ")
            assert text in project.log()
        # in place of the scheduler
        (nightly,) = server.ask("deployments/filter", deployments={"name": {"any_": ["nightly"]}})
        ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        planned = {"type": "SCHEDULED", "state_details": {"scheduled_time": ahead}}
        server.ask(f"deployments/{nightly['id']}/create_flow_run", state=planned)
        wait_for_text(webhook, f"over: {broken}", project)
        assert sum(text == f"Earshot: {broken}" for text in webhook.texts) <= 1
        project.environment |= server.environment
        project.run(*PREFECT, "deployment", "run", "retrain/nightly", "--watch")
        wait_for_text(webhook, f"over: {missing}", project)
