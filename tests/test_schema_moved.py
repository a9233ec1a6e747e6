"""Old names of classes and arguments work in params.yaml, with a hint to the new name, and in old files."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from artefacts_project import copied, scores
from params_document import check_here

from stages.frontends import frontend
from stages.padding import mask
from stages.preflight.reading import read_params
from stages.program.verdict import Verdict, checked_params
from stages.schema import moved
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import import_class
from stages.schema.reading import params_of, read_document
from stages.tasks.checkpoint import load
from stages.train import STAGE

WriteParams = Callable[..., Path]
PHONEMES = Path(__file__).parent / "artefacts" / "0.1.0" / "phonemes"
BEST = Path("artifacts/train/best.ckpt")
BEAM = "stages.search.prefix_beam.PrefixBeam"
SEARCH = "train.task.init_args.search"
OLD = {"num_tokens": 3, "token_share": 0.9}
NEW = {"cutoff_top_n": 3, "cutoff_prob": 0.9}


def beam(init_args: dict[str, Any]) -> dict[str, Any]:
    return {"class_path": BEAM, "init_args": init_args}


def test_an_old_name_in_params_works_and_the_new_one_is_told(
    write_params: WriteParams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_params({SEARCH: beam(OLD)})
    check_here(path)
    for _ in range(2):  # also after the check has passed before
        params = checked_params(path)
        assert params.train.task.init_args["search"] == beam(NEW)
        assert capsys.readouterr().err.splitlines() == [
            f"{path}: {SEARCH}.init_args.{old} is now {new}: change it in params.yaml; the old name works in"
            " this version only"
            for old, new in zip(OLD, NEW, strict=True)
        ]
    write_params({SEARCH: beam(NEW)})
    checked_params(path)
    assert capsys.readouterr().err == ""


def test_both_spellings_are_checked_once_and_train_once(write_params: WriteParams) -> None:
    found = []
    for init_args in (OLD, NEW):
        document = read_document(write_params({SEARCH: beam(init_args), "evaluate.search": beam(init_args)}))
        found.append((Verdict(document).whole, STAGE.settings(params_of(document))))
    assert found[0] == found[1]


def test_what_dvc_recorded_of_an_older_training_is_read_by_its_new_names(write_params: WriteParams) -> None:
    document = read_document(write_params({SEARCH: beam(NEW)}))
    recorded = json.loads(json.dumps(document))
    recorded["train"]["task"]["init_args"]["search"] = beam(OLD)
    assert params_of(recorded) == params_of(document)


@pytest.mark.parametrize("key", [SEARCH, "evaluate.search"])
def test_an_old_name_beside_its_new_one_is_refused_with_both(write_params: WriteParams, key: str) -> None:
    path = write_params({key: beam({**OLD, "cutoff_prob": 0.9}), "lr": -1.0})
    with pytest.raises(ValueError, match=r"2 problem\(s\)(.|\n)*\n  lr: ") as refused:
        read_params(path)
    expected = f"\n  {key}.init_args.token_share: is the old name of cutoff_prob, which is set too"
    assert expected in str(refused.value)


def test_a_wrong_value_of_an_old_name_is_refused_at_the_new_one(write_params: WriteParams) -> None:
    path = write_params({"evaluate.search": beam({"token_share": 2.0})})
    with pytest.raises(
        ValueError, match=r"evaluate\.search\.init_args\.cutoff_prob: .*less than or equal to 1"
    ):
        read_params(path)


def rewrite(path: Path, old: str, new: str) -> None:
    """Replace a text in the recipe of a checkpoint."""
    content = torch.load(path, weights_only=True)
    assert old in content["recipe"]
    torch.save(content | {"recipe": content["recipe"].replace(old, new)}, path)


def test_a_checkpoint_with_old_names_is_evaluated_as_one_with_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for init_args in (OLD, NEW):
        folder = tmp_path / next(iter(init_args))
        folder.mkdir()
        monkeypatch.chdir(folder)
        project = copied(PHONEMES, folder)
        rewrite(BEST, '"num_best":2', f'"num_best":2,{json.dumps(init_args)[1:-1]}')
        found.append(scores(project))
    assert found[0] == found[1]
    recipe, task = load(tmp_path / "num_tokens" / BEST)
    assert (task.search.cutoff_top_n, task.search.cutoff_prob) == (3, 0.9)
    assert OLD.keys().isdisjoint(recipe.task.init_args["search"]["init_args"])


def test_a_class_that_moved_is_found_under_its_old_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {
        "stages.decoders.beam.Beam": BEAM,
        "stages.audio.Mfcc": "stages.frontends.mfcc.MFCC",
        "stages.metrics.Per": "stages.metrics.phoneme_error_rate.PhonemeErrorRate",
    }
    monkeypatch.setattr(moved, "CLASSES", paths)
    monkeypatch.chdir(tmp_path)
    project = copied(PHONEMES, tmp_path)
    for old, new in paths.items():
        rewrite(BEST, f'"{new}"', f'"{old}"')
        project.params.write_text(project.params.read_text().replace(new, old))
    found, expected = scores(project), project.json("expected.json")
    assert found["hypotheses"] == expected["hypotheses"]
    check_here(project.params)
    capsys.readouterr()
    checked_params(project.params)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == (
        f"{project.params}: features.frontend.class_path: stages.audio.Mfcc is now"
        " stages.frontends.mfcc.MFCC: change it in params.yaml; the old name works in this version only"
    )
    assert [line.split(": ")[1] for line in told[1:]] == [
        f"{SEARCH}.class_path", "train.task.init_args.metrics[0].class_path",
        "evaluate.metrics[0].class_path",
    ]  # fmt: skip


def test_shards_of_a_frontend_that_moved_are_those_of_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moved, "CLASSES", {"stages.audio.Mfcc": "stages.frontends.mfcc.MFCC"})
    facts = {"sample_rate": 16000, "feature_size": 13, "frame_shift_seconds": 0.01}
    told = facts | {"domain": "features", "dtype": "float16"}
    old, new = (
        FeatureMetadata.model_validate_json(json.dumps({**told, "frontend": {"class_path": path}}))
        for path in ("stages.audio.Mfcc", "stages.frontends.mfcc.MFCC")
    )
    assert old == new


def test_every_new_name_is_there_and_no_old_one() -> None:
    for path in moved.CLASSES.values():
        import_class(path)
    for path, names in moved.ARGUMENTS.items():
        parameters = inspect.signature(import_class(path)).parameters
        assert set(names.values()) <= parameters.keys()
        assert parameters.keys().isdisjoint(names)


def test_masks_are_found_beside_the_frontends_by_frontends_of_ones_own() -> None:
    assert frontend.frame_mask is mask.frame_mask
    assert frontend.without_padding is mask.without_padding
