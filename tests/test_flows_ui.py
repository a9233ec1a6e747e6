"""make ui in a real browser: its forms, runs that are started manually, their pages, a cancelled run."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil
import pytest
from browser import open_artifact, open_run, picture, start_run, wait_for_state
from dvc_project import Project, make_project
from prefect_server import Server
from served_flows import serving
from waiting import wait_for

from flows import forms
from flows.params_file import read_yaml

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def project(page: "Page", tmp_path_factory: pytest.TempPathFactory) -> Project:
    """With fast stages, unless for screenshots, which show real curves."""
    folder = tmp_path_factory.mktemp("project").resolve()
    return make_project(folder, max_epochs=6, light="EARSHOT_PICTURES" not in os.environ)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project) as started:
        yield started


def test_the_flows_are_deployed_and_retraining_is_scheduled(page: "Page", server: Server) -> None:
    page.goto(f"{server.url}/deployments")
    for name in ("pipeline", "nightly", "tune"):
        page.get_by_role("link", name=name, exact=True).first.wait_for()
    page.get_by_text("At 03:00 AM every day").wait_for()
    picture(page, "deployments")


def open_form(page: "Page", server: Server, deployment: str) -> None:
    """Every field has a help text."""
    (found,) = server.ask("deployments/filter", deployments={"name": {"any_": [deployment]}})
    page.goto(f"{server.url}/deployments/deployment/{found['id']}/run")
    shown = {"nightly": forms.OF_GATE, "tune": forms.OF_SEARCH | forms.OF_PART}.get(deployment, {})
    helped = {name: forms.HELP[name] for name in found["parameter_openapi_schema"]["properties"]}
    for said in (*helped.values(), *shown.values()):
        page.get_by_text(said, exact=True).first.wait_for()


def test_the_form_of_the_pipeline_explains_its_fields_and_offers_the_recipes(
    page: "Page", server: Server
) -> None:
    open_form(page, server, "pipeline")
    page.get_by_text("listed", exact=True).click()
    page.locator("form .p-select-button__icon").first.click()
    for recipe in ("an4", "deepspeech2", "simple_ctc"):
        page.locator(".p-select-option", has_text=recipe).wait_for()
    picture(page, "form")


def test_the_form_of_retraining_explains_its_gate(page: "Page", server: Server) -> None:
    open_form(page, server, "nightly")


def test_the_form_of_tuning_begins_with_a_search(page: "Page", server: Server) -> None:
    open_form(page, server, "tune")
    page.get_by_text("train.augment[0].init_args.num_time_masks").wait_for()
    picture(page, "search")


def test_a_run_started_in_the_browser_completes_and_shows_its_metrics(
    page: "Page", server: Server, project: Project
) -> None:
    run = start_run(page, server, "pipeline")
    open_run(page, server, run)
    wait_for_state(page, "Completed")
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("metrics", exact=True).first.wait_for()
    picture(page, "run")
    open_artifact(page, server, "metrics")
    page.get_by_text("wer", exact=True).wait_for()
    picture(page, "metrics")
    open_artifact(page, server, "loss")
    page.locator("img[src^='data:image/png']").wait_for()
    assert "base64" not in page.inner_text("body")
    picture(page, "loss")


def test_a_second_run_shows_that_nothing_changed(page: "Page", server: Server) -> None:
    open_run(page, server, start_run(page, server, "pipeline"))
    wait_for_state(page, "Completed")
    page.get_by_text("Task Runs", exact=True).first.click()
    page.get_by_text("Unchanged").first.wait_for()
    assert page.get_by_text("Unchanged").count() >= 5
    picture(page, "unchanged")


def test_an_override_typed_into_the_form_takes_effect(page: "Page", server: Server, project: Project) -> None:
    run = start_run(page, server, "pipeline", {"overrides": ["lr=5e-3"], "targets": ["train"]})
    open_run(page, server, run)
    wait_for_state(page, "Completed")
    page.get_by_text("Parameters", exact=True).first.click()
    page.get_by_text("lr=5e-3").first.wait_for()
    open_artifact(page, server, "params")
    page.get_by_text("lr: 0.005").first.wait_for()
    trained = read_yaml(project.folder / "dvc.lock")["stages"]["train"]["params"]["params.yaml"]
    assert trained["lr"] == read_yaml(project.folder / "params.yaml")["lr"] == 5e-3


def trains(process: psutil.Process) -> bool:
    try:
        return "stages.train" in process.cmdline()
    except psutil.Error:  # it has ended
        return False


def curves(project: Project) -> dict[str, bytes]:
    """The tracked outputs of a training."""
    listed = project.run("git", "ls-files", "artifacts/train").split()
    assert "artifacts/train/history.csv" in listed
    return {name: (project.folder / name).read_bytes() for name in listed}


def test_a_cancelled_run_leaves_no_process_and_keeps_the_curves_that_git_tracks(
    page: "Page", server: Server, project: Project
) -> None:
    project.set({"train.trainer.max_epochs": 3000})
    before = curves(project)
    run = start_run(page, server, "pipeline")
    wait_for(lambda: list((project.folder / ".scratch" / "train").glob("*/*/resume/last.ckpt")), 300)
    open_run(page, server, run)
    picture(page, "training")
    page.get_by_role("button", name="Cancel", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    wait_for(lambda: not any(map(trains, project.processes())), 15)
    wait_for_state(page, "Cancelled")
    assert not (project.folder / "artifacts" / "train" / "best.ckpt").exists()
    assert curves(project) == before


def test_the_task_that_a_cancelled_run_was_at_shows_cancelled(page: "Page") -> None:
    page.reload()
    page.get_by_text("Task Runs", exact=True).first.click()
    task = page.locator(".state-list-item", has=page.get_by_role("link", name="train", exact=True))
    task.get_by_text("Cancelled", exact=True).wait_for()
    picture(page, "cancelled")
