"""The shape of the code: layers, types, style, and that dvc.yaml says what the stages do."""

import functools
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import conftest
import grimp
import pytest
from jinja2.meta import find_referenced_templates
from ruamel.yaml import YAML

from stages.pages import rendering
from stages.preflight.reading import read_params
from stages.program.stage import Stage

ROOT = Path(__file__).parents[1]
NAMES = ("manifest", "features", "train", "evaluate", "export")
DVC = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
# The families whose classes a stage loads by their dotted paths from params.yaml or a checkpoint.
LOADED = {
    "manifest": {"corpora"},
    "features": {"frontends", "augment"},
    "train": {"frontends", "tokens", "augment", "models", "search", "schedules", "callbacks", "tasks"},
    "evaluate": {"frontends", "tokens", "models", "search", "metrics", "tasks"},
    "export": {"frontends", "tokens", "models", "search", "tasks", "formats"},
}


def stage(name: str) -> Stage:
    found: Stage = importlib.import_module(f"stages.{name}").STAGE
    return found


@functools.cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("stages")


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["importlinter"]],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_linters_are_content(command: list[str]) -> None:
    script = "from importlinter.cli import lint_imports_command as main; main()"
    arguments = ["-c", script] if command == ["importlinter"] else ["-m", *command]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dvc_yaml_has_the_stages_in_order() -> None:
    assert tuple(DVC) == NAMES
    assert all(DVC[name]["cmd"] == f"python -m stages.{name}" for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_dvc_yaml_lists_the_params_and_inputs_that_the_stage_declares(name: str) -> None:
    params = read_params(ROOT / "params.yaml")
    folders = {"manifest.root": params.manifest.root, "train.inputs": params.train.inputs}
    folders |= {"features.inputs": params.features.inputs, "evaluate.inputs": params.evaluate.inputs}
    values = {f"${{{key}}}": folder for key, folder in folders.items()}
    listed = {values.get(path, path) for path in DVC[name]["deps"]}
    declared = {f"stages/{path}" for path in stage(name).code} | {
        str(path) for path in stage(name).data(params)
    }
    assert listed == declared
    assert set(DVC[name]["params"]) == {name, *stage(name).shared}


@pytest.mark.parametrize("name", NAMES)
def test_every_module_that_a_stage_reaches_is_among_its_dependencies(name: str) -> None:
    graph = imports()
    reached = graph.find_upstream_modules(f"stages.{name}")
    for family in LOADED[name]:
        for module in graph.find_descendants(f"stages.{family}") - earlier_names(graph):
            reached |= {module, *graph.find_upstream_modules(module)}
    code = {f"stages.{path.removesuffix('.py').replace('/', '.')}" for path in stage(name).code}
    outside = {m for m in reached - {"stages"} if not any(m == c or m.startswith(f"{c}.") for c in code)}
    assert not outside


@pytest.mark.parametrize("name", NAMES)
def test_the_templates_that_a_stage_renders_are_its_dependencies_and_no_others(name: str) -> None:
    reached = {f"stages.{name}", *imports().find_upstream_modules(f"stages.{name}")}
    rendered = set().union(*map(templates_of, reached))
    used = rendered.union(*map(referenced, rendered))
    pages = {path for path in stage(name).code if path.startswith("pages") and not path.endswith(".py")}
    assert pages == {f"pages/{template}" for template in used}


def templates_of(module: str) -> set[str]:
    """Those that a module renders."""
    path = ROOT / f"{module.replace('.', '/')}.py"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return set(re.findall(r'\brender\(\s*"([^"]+)"', text))


def referenced(template: str) -> set[str]:
    """What a template extends, imports and includes, and what these do."""
    text = (rendering.FOLDER / template).read_text(encoding="utf-8")
    names = {name or "" for name in find_referenced_templates(rendering.environment().parse(text))}
    return names.union(*map(referenced, names))


def test_every_template_is_of_a_page_that_is_rendered() -> None:
    modules = grimp.build_graph("stages", "flows").modules
    rendered = set().union(*map(templates_of, modules))
    assert len(rendered) >= 3
    files = {path.name for path in rendering.FOLDER.iterdir() if path.suffix in (".html", ".css")}
    assert files == rendered.union(*map(referenced, rendered))


@pytest.mark.parametrize("folder", ["flows", "stages", "tests"])
def test_no_module_is_called_like_an_installed_package(folder: str) -> None:
    """It would hide the package from whoever has the folder on sys.path, as Prefect has that of a flow."""
    modules = {module.name for module in pkgutil.iter_modules([str(ROOT / folder)])}
    assert not modules & {*packages_distributions(), *sys.stdlib_module_names}


def earlier_names(graph: grimp.ImportGraph) -> set[str]:
    """The modules outside stages.commands that import a command: they are run by their names alone."""
    tools = graph.find_descendants("stages.commands")
    return {m for m in graph.modules - tools if graph.find_modules_directly_imported_by(m) & tools}


def test_earlier_names_of_commands_are_nothing_but_names_and_nothing_imports_them() -> None:
    graph = grimp.build_graph("stages", "flows")
    found = earlier_names(graph)
    assert "stages.schema.__main__" in found
    for name in found:
        assert not graph.find_modules_that_directly_import(name)
        path = ROOT / f"{name.replace('.', '/')}.py"
        command = re.search(r"^from (stages\.commands\.\w+) import main$", path.read_text(), re.MULTILINE)
        assert command, name
        rest = f'from {command[1]} import main\n\nif __name__ == "__main__":\n    sys.exit(main())\n'
        assert path.read_text().partition('"""\n\n')[2] == f"import sys\n\n{rest}"


def test_no_output_switches_the_run_cache_off() -> None:
    outs: list[Any] = [out for name in NAMES for out in DVC[name].get("outs", [])]
    assert all(isinstance(out, str) for out in outs), "cache: false or persist on a plain out"


def test_heavy_modules_are_not_imported_where_they_are_not_used() -> None:
    light = "import sys, stages.schema.params, stages.schema.reading, flows.dvc_command;"
    check = "print(sorted({'torch', 'lightning', 'pandas', 'prefect'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", light + check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_dependency_has_a_range_and_a_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(d for extra in project["optional-dependencies"].values() for d in extra),
    ]
    pins = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().split()
    }
    for requirement in wanted:
        match = re.fullmatch(r"([a-zA-Z0-9._-]+)>=.+", requirement)
        assert match, f"{requirement} needs a range"
        assert match[1].lower().replace("_", "-").replace("ruamel-yaml", "ruamel.yaml") in pins, requirement


def test_the_longest_tests_are_there() -> None:
    missing = [name for name in conftest.LONGEST if not (ROOT / "tests" / name).exists()]
    assert missing == []
