"""params.yaml before a flow runs: recipes, overrides and checks."""

import shutil
from pathlib import Path

import pytest
from params_document import vouch
from ruamel.yaml import YAML

from flows import params_file

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout whose params.yaml is the smoke recipe."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "stages").symlink_to(ROOT / "stages")
    shutil.copytree(ROOT / "flows" / "recipes", tmp_path / "flows" / "recipes")
    shutil.copy(ROOT / "flows" / "recipes" / "simple_ctc.yaml", tmp_path / "params.yaml")
    return tmp_path


def test_an_override_is_written_as_dvc_writes_it(folder: Path) -> None:
    vouch(folder, {"lr": 1e-5, "train.trainer.max_epochs": 3})
    (said,) = params_file.prepare(folder, None, ["lr=1e-5", "train.trainer.max_epochs=3"])
    assert said.startswith("params.yaml now has lr=1e-5, train.trainer.max_epochs=3; the previous file ")
    text = (folder / "params.yaml").read_text()
    assert "lr: 1e-05" in text
    assert "max_epochs: 3" in text


def test_a_recipe_replaces_params_and_what_they_were_is_kept(folder: Path) -> None:
    mine = (folder / "params.yaml").read_text() + "# my own\n"
    (folder / "params.yaml").write_text(mine)
    vouch(folder, {}, Path("flows/recipes/spoken_numbers.yaml"))
    (said,) = params_file.prepare(folder, "spoken_numbers", [])
    assert (folder / "params.yaml").read_text() == (ROOT / "flows/recipes/spoken_numbers.yaml").read_text()
    assert [path.read_text() for path in (folder / ".scratch" / "params").iterdir()] == [mine]
    assert said.startswith("params.yaml is now spoken_numbers; the previous file is kept in .scratch/params/")


def test_the_file_is_what_it_was_until_its_successor_was_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "params.yaml").read_bytes()
    seen = []
    monkeypatch.setattr(params_file, "check", lambda *_: seen.append((folder / "params.yaml").read_bytes()))
    params_file.prepare(folder, "spoken_numbers", ["lr=1e-5"])
    assert seen == [before]


def test_what_somebody_writes_meanwhile_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(params_file, "check", lambda *_: (folder / "params.yaml").write_text("# mine"))
    with pytest.raises(ValueError, match=r"params\.yaml was edited during the check"):
        params_file.prepare(folder, "spoken_numbers", [])
    assert (folder / "params.yaml").read_text() == "# mine"


def lock(folder: Path, recipe: str) -> None:
    """dvc.lock as after training a recipe."""
    params = YAML(typ="safe").load((folder / f"flows/recipes/{recipe}.yaml").read_text())
    keys = {"manifest": ["manifest"], "features": ["features"], "train": ["seed", "lr", "train"]}
    stages = {
        name: {"params": {"params.yaml": {key: params[key] for key in of}}} for name, of in keys.items()
    }
    with (folder / "dvc.lock").open("w") as stream:
        YAML(typ="safe").dump({"stages": stages}, stream)


def test_what_a_file_has_other_than_what_was_trained_is_named(folder: Path) -> None:
    path = folder / "params.yaml"
    with pytest.raises(ValueError, match="no trained model"):
        params_file.other_than_trained(folder, path)
    lock(folder, "simple_ctc")
    assert params_file.other_than_trained(folder, path) == []
    text = path.read_text().replace("split: test", "split: validation").replace("lr: 1.0e-2", "lr: 1.0e-3")
    path.write_text(text)
    assert params_file.other_than_trained(folder, path) == ["lr was 0.01, but is 0.001 in this file"]


@pytest.mark.parametrize(
    ("recipe", "override", "message"),
    [
        ("no_such", None, "no such recipe; there are an4, .*simple_ctc, spoken_numbers"),
        (None, "nokey=3", "override 'nokey=3': .*nokey"),
        (None, "lr", "override 'lr'"),
        (None, "lr=abc", "lr: Input should be a valid number"),
    ],
)
def test_what_is_wrong_is_refused_and_the_file_stays(
    folder: Path, recipe: str | None, override: str | None, message: str
) -> None:
    before = (folder / "params.yaml").read_bytes()
    with pytest.raises(ValueError, match=message):
        params_file.prepare(folder, recipe, [override] if override else [])
    assert (folder / "params.yaml").read_bytes() == before
