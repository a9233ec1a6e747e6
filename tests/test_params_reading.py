"""Reading params.yaml: files that are not valid, classes that it may name, and all recipes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.preflight.reading import read_params
from stages.schema.params import Params
from stages.schema.part import Part

RECIPES = sorted((Path(__file__).parents[1] / "flows" / "recipes").glob("*.yaml"))
WriteParams = Callable[..., Path]


def test_what_older_files_do_not_have_is_nothing(write_params: WriteParams) -> None:
    path = write_params({})
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "groups:" not in line and "init_from:" not in line))
    train = read_params(path).train
    assert (train.groups, train.init_from) == ([], None)


@pytest.mark.parametrize(
    ("written", "value"), [("1e-4", 1e-4), ("1e-05", 1e-5), ("1E-4", 1e-4), ("5e-7", 5e-7)]
)
def test_exponents_are_numbers_as_dvc_and_people_write_them(
    write_params: WriteParams, written: str, value: float
) -> None:
    path = write_params({})
    path.write_text(path.read_text().replace("lr: 0.01", f"lr: {written}"))
    assert read_params(path).lr == value


def test_damaged_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("lr: [1\n")
    with pytest.raises(ValueError, match="not readable as YAML"):
        read_params(path)
    path.write_text("lr: 1\nlr: 2\n")
    with pytest.raises(ValueError, match="duplicate key"):
        read_params(path)
    with pytest.raises(ValueError, match="copy one from flows/recipes"):
        read_params(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "params.yaml: empty"),
        ("- lr\n", "params.yaml: expected keys and values at the top, found list"),
        ("? [a, b]\n: c\n", "params.yaml: .*plain keys"),
        ("callbacks: &a [*a]\n", "params.yaml: .*[Cc]ircular"),
        ("lr: 2020-13-45\n", "params.yaml: not readable as YAML"),
        ("1: x\n", r"params.yaml cannot be used(.|\n)*\n  1: unknown key"),
    ],
)
def test_what_is_no_params_file_is_said_with_its_name(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=expected):
        read_params(path)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_a_complete_params_file(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # without train.inputs, so no model is downloaded
    assert isinstance(read_params(recipe), Params)


def test_the_project_s_params_are_a_recipe() -> None:
    project = Path(__file__).parents[1] / "params.yaml"
    load = YAML(typ="safe", pure=True).load
    assert load(project.read_text()) in [load(recipe.read_text()) for recipe in RECIPES]


def message(path: Path) -> str:
    with pytest.raises(ValueError, match="problem") as refused:
        read_params(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("class Mine(", "SyntaxError"),
        ("nothing", "NameError: name 'nothing' is not defined"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("class Other: pass", "has no attribute 'Mine'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_at_its_path(
    write_params: WriteParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, expected: str
) -> None:
    name = f"earshot_broken_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    text = message(write_params({"features.frontend.class_path": f"{name}.Mine"}))
    assert re.search(rf"features\.frontend\.class_path: cannot import: .*{expected}", text), text


@pytest.mark.parametrize(
    ("folder", "refused"), [("mine", True), (".venv/lib/site-packages", False), ("../elsewhere", False)]
)
def test_a_class_whose_edits_dvc_would_not_see_is_refused(
    write_params: WriteParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, refused: bool
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    name = f"earshot_own_{Path(folder).name.replace('-', '_')}"
    code = "from stages.frontends.log_mel import LogMel\nclass Mine(LogMel): pass\n"
    (project / folder).mkdir(parents=True)
    (project / folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(project / folder)
    path = write_params({"features.frontend.class_path": f"{name}.Mine"})
    if refused:
        assert f"class_path: {name}.Mine is where DVC does not see edits; move it to stages/frontends/" in (
            message(path)
        )
    else:
        assert read_params(path).features.frontend.load().__name__ == "Mine"


def test_a_part_is_built_from_what_is_written_and_what_is_provided() -> None:
    part = Part(class_path="stages.models.simple_ctc.SimpleCTC", init_args={"hidden_size": 8})
    encoder = part.build(num_features=4, something_it_does_not_take=1)
    assert encoder.output_size == 8
    assert encoder.layers[1].in_features == 4
