"""Workarounds for other libraries list the versions with which they were tested; these are installed."""

import importlib
from importlib.metadata import version
from pathlib import Path

import pytest

COMPAT = Path(__file__).parents[1] / "stages" / "compat"
NAMES = sorted(path.stem for path in COMPAT.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_a_workaround_was_seen_with_the_installed_version(name: str) -> None:
    """After an upgrade, run the tests of the workaround without it, and delete it if they pass."""
    seen = importlib.import_module(f"stages.compat.{name}").SEEN_WITH
    installed = {library: ".".join(version(library).split(".")[:2]) for library in seen}
    assert all(installed[library] in versions for library, versions in seen.items()), installed


@pytest.mark.parametrize("name", NAMES)
def test_a_workaround_has_a_test(name: str) -> None:
    tests = Path(__file__).parent.glob("test_*.py")
    assert any(f"stages.compat.{name}" in path.read_text() for path in tests)
