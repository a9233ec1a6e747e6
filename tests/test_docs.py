"""The pages: links, examples of params, what is made from the code, and what may stand in them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from documented import MARKS, PAGES, ROOT, Block, blocks, blocks_of
from ruamel.yaml import YAML

from docs.params_page import PAGE, page_of_params
from stages.schema.params import Params

LINK = re.compile(r"\]\(([^)\s]+)\)")
README_BYTES = 8 * 1024


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(line.lstrip("#")) for line in page.read_text("utf-8").splitlines() if line.startswith("#")}


def overlaid(below: Any, above: Any) -> Any:
    """Keys of a section take the place of those below; parts and lists are replaced as a whole."""
    if not isinstance(above, dict) or not isinstance(below, dict) or "class_path" in above:
        return above
    return below | {key: overlaid(below.get(key), value) for key, value in above.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_what_is_there(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_the_readme_is_read_in_minutes() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


def test_the_page_of_keys_is_what_the_schema_says() -> None:
    assert PAGE.read_text("utf-8") == page_of_params(), "python -m docs.build renews it"


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in page_of_params().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.name)
def test_examples_of_params_are_valid(block: Block) -> None:
    yaml = YAML(typ="safe", pure=True)
    written = yaml.load(block.text)
    if block.mark != "not checked":
        document = overlaid(yaml.load((ROOT / "params.yaml").read_text("utf-8")), written)
        Params.model_validate_json(json.dumps(document))


def test_python_in_the_pages_compiles_and_json_is_json() -> None:
    for block in blocks("python"):
        compile(block.text, block.name, "exec")
    for block in blocks("json"):
        json.loads(block.text)


@pytest.mark.parametrize("block", blocks("bash"), ids=lambda block: block.name)
def test_commands_are_sound_bash(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_mark_is_known_and_no_command_hides_in_another_kind_of_block() -> None:
    found = [block for page in PAGES for block in blocks_of(page)]
    assert {block.mark for block in found} <= {*MARKS, ""}
    assert {block.language for block in found} <= {"", "bash", "yaml", "python", "json"}
    begins = re.compile(r"^(dvc|git|make|python|earshot|cp|pip|\.?/?run\.sh) ", re.MULTILINE)
    assert [block.name for block in found if not block.language and begins.search(block.text)] == []
    fences = sum(page.read_text("utf-8").count("\n```") for page in PAGES)
    assert fences == 2 * len(found), "a fence is indented or lacks its end"
