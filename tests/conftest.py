"""Fixtures that several test files share."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import built_once
import pytest
from prefect_server import Server, run_server
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from export_project import Exported
    from features_project import Extract
    from manifest_project import Run
    from playwright.sync_api import Page

RECIPES = Path(__file__).parents[1] / "flows" / "recipes"
# it takes seconds before every training; test_callbacks_export_probe.py enables it
os.environ["EARSHOT_EXPORT_PROBE"] = "0"
gc.disable()  # during collection, whose objects stay: the collector took half of the time


def pytest_configure() -> None:
    """Restore SIGINT, which processes started with a shell's & ignore: tests send it to their children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    built_once.share(tmp_path_factory)


@pytest.fixture
def write_params(tmp_path: Path) -> Callable[..., Path]:
    """Writes tmp_path/params.yaml, the smoke recipe with some values replaced, and returns its path.

    The keys are dotted paths: ``write_params({"manifest.seed": 3, "lr": 1e-4})``.
    """

    from params_document import set_values

    def write(changes: dict[str, Any], recipe: str = "simple_ctc") -> Path:
        document = YAML(typ="safe", pure=True).load((RECIPES / f"{recipe}.yaml").read_text(encoding="utf-8"))
        set_values(document, changes)
        path = tmp_path / "params.yaml"
        with path.open("w", encoding="utf-8") as stream:
            YAML(typ="safe", pure=True).dump(document, stream)
        return path

    return write


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> "Run":
    """Runs the manifest stage: see manifest_project."""
    from manifest_project import manifest_stage

    return manifest_stage(tmp_path, monkeypatch, write_params)


@pytest.fixture
def extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> "Extract":
    """Runs the features stage: see features_project."""
    from features_project import features_stage

    return features_stage(tmp_path, monkeypatch, write_params)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the features stage make many shards from a few utterances."""
    from stages.shards import division

    monkeypatch.setattr(division, "UTTERANCES_PER_SHARD", 1)


@pytest.fixture(scope="session")
def exported_by_name(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], "Exported"]:
    """The export of one of export_project's systems, made once, as it takes seconds; do not change it."""
    from export_project import made_once

    return made_once(tmp_path_factory)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Prefect server for the module."""
    with run_server(tmp_path_factory.mktemp("prefect")) as started:
        yield started


@pytest.fixture(scope="module")
def page() -> Iterator["Page"]:
    """A page in a real Chromium for the module's tests."""
    from browser import open_page

    with open_page() as opened:
        yield opened


# Files that take more than ten CPU seconds, longest first.
LONGEST = (
    "test_flows_retrain.py",
    "test_flows_crashed.py",
    "test_pipeline.py",
    "test_flows_pipeline.py",
    "test_types.py",
    "test_flows_ui.py",
    "test_flows_ui_retraining.py",
    "test_devices.py",
    "test_formats.py",
    "test_flows_deploy.py",
    "test_flows_start.py",
    "test_flows_watching.py",
    "test_flows_tune.py",
    "test_flows_faults.py",
    "test_flows_retraining_clone.py",
    "test_startup.py",
    "test_callbacks_export_probe.py",
    "test_artefacts.py",
    "test_resume.py",
    "test_docs_commands.py",
    "test_docs_site.py",
)


# Names in test files that train, export or start a process, or of such files; make quick leaves them out.
TAKES_SECONDS = (
    *("training_project", "export_project", "artefacts_project", "hub_project", "dvc_project", "git_folder"),
    *("prefect_server", "served_flows", "subprocess", "run_jobs", "num_processes", "CHROMIUM", "Trainer("),
    *("test_formats", "test_models_sonosco", "test_augment_transforms", "test_tasks_seq2seq", "test_shards"),
    *("test_flows_params_file", "test_flows_search_space", "test_docs_site"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="nothing that trains, exports or starts a process")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("quick") or not collection_path.name.startswith("test_"):
        return None
    text = f"{collection_path.name} {collection_path.read_text(encoding='utf-8')}"
    return True if any(name in text for name in TAKES_SECONDS) else None


def pytest_collection_finish() -> None:
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first, so that they do not run alone at the end."""
    items.sort(key=lambda item: (*LONGEST, item.path.name).index(item.path.name))
