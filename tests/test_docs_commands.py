"""The commands of the pages, as they are written there."""

import shutil
from pathlib import Path

import pytest
from built_once import built_once
from documented import Block, blocks
from documented_project import PREPARED, finished_project, light_project, opened
from dvc_project import Project

QUICK = [block for block in blocks("bash") if not block.mark]
LONG = sorted({block.page for block in blocks("bash") if block.mark == "slow"})


def run(project: Project, block: Block) -> None:
    done = project.attempt("bash", "-euo", "pipefail", "-c", block.text)
    assert done.returncode == 0, f"{block.name}\n{done.stdout}"


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("docs")
    light_project(folder)
    return Project(folder)


@pytest.mark.parametrize("block", QUICK, ids=lambda block: block.name)
def test_quick_commands_run(block: Block, light: Project) -> None:
    run(light, block)


@pytest.mark.slow
@pytest.mark.parametrize("page", LONG)
def test_commands_run_in_the_order_of_their_page(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(built_once("finished for pages", finished_project), folder, symlinks=True)
    project = opened(folder)
    PREPARED.get(page, lambda _: None)(project)
    for block in blocks("bash"):
        if block.page == page and block.mark in ("", "slow"):
            run(project, block)


def test_prepared_pages_are_there() -> None:
    assert {*PREPARED} <= {*LONG}
