"""Differences between a candidate and a champion."""

import subprocess
from pathlib import Path

from flows import candidate, champion
from flows.candidate import new_data
from flows.params_file import params_changes
from stages.schema.manifest_row import ManifestRow


def row(name: str, seconds: float) -> ManifestRow:
    return ManifestRow(id=name, audio_filepath="a.wav", duration=seconds, text="go", audio_sha256="0")


def test_params_differ_by_their_paths() -> None:
    old = {
        "lr": 0.1,
        "train": {"groups": [], "augment": [{"class_path": "a", "init_args": {"p": 0.5}}]},
        "a": None,
    }
    new = {
        "lr": 0.2,
        "train": {"groups": [], "augment": [{"class_path": "b", "init_args": {"p": 0.5}}]},
        "b": 1,
    }
    assert params_changes(old, new) == {
        "lr": [0.1, 0.2],
        "train.augment[0].class_path": ["a", "b"],
        "b": [None, 1],
        "a": [None, None],
    }
    assert params_changes(old, old) == {}


def test_new_data_is_what_the_champion_had_not() -> None:
    found = new_data([row("a", 1), row("gone", 2)], [row("a", 1), row("b", 1800), row("c", 5400)])
    assert found == {
        "new_utterances": 2,
        "new_hours": 2.0,
        "gone_utterances": 1,
        "utterances": 3,
        "hours": 7201 / 3600,
    }


def lock(train: str, export: str = "e") -> str:
    lines = [f"  {name}: {{md5: {train if name == 'train' else name}}}" for name in candidate.JUDGED]
    return "\n".join(["schema: '2.0'", "stages:", *lines, f"  export: {{md5: {export}}}"]) + "\n"


def test_a_model_is_known_again_whatever_it_is_exported_as(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "user.name", "t"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "user.email", "t@example.org"], cwd=tmp_path, check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "no lock yet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "tag", "champion/0001"], cwd=tmp_path, check=True)
    for number, model in enumerate("abc", 2):
        (tmp_path / "dvc.lock").write_text(lock(model))
        subprocess.run(["git", "add", "dvc.lock"], cwd=tmp_path, check=True)
        subprocess.run(["git", "commit", "-qm", "model"], cwd=tmp_path, check=True)
        subprocess.run(["git", "tag", f"champion/{number:04d}"], cwd=tmp_path, check=True)
    for model, known in {"a": "champion/0002", "c": "champion/0004", "d": None}.items():
        (clone / "dvc.lock").write_text(lock(model, export="another"))
        found = candidate.same_model(clone, tmp_path)
        assert (found.tag if found else None) == known
    assert champion.fate("champion/0004", tmp_path) == ""
    assert champion.fate("champion/0002", tmp_path).startswith(
        "champion/0002 was replaced by champion/0003 on"
    )
    champion.restore(champion.to_return_to("2", tmp_path), "again", tmp_path)
    assert champion.fate("champion/0004", tmp_path).startswith(
        "champion/0004 was rolled back to champion/0002 on"
    )
    assert champion.fate("champion/0002", tmp_path) == ""
    assert champion.fate("champion/0009", tmp_path) == "champion/0009 was removed"
