"""The checkpoint of a task."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from test_tasks import CONFORMER, LOG_MEL, NUM_MELS, SEQ2SEQ, VOCABULARY, build, recipe

from stages.batching.batch import Example, collate
from stages.schema.part import Part
from stages.tasks.checkpoint import load, pack


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "best.ckpt"


@pytest.mark.parametrize("frontend", [None, LOG_MEL], ids=["cached features", "frontend on the device"])
def test_a_loaded_task_is_the_one_that_was_packed(checkpoint: Path, frontend: Part | None) -> None:
    trained = build(CONFORMER, frontend, seed=3)
    checkpoint.write_bytes(pack(recipe(CONFORMER, frontend), trained.state_dict()))
    restored, task = load(checkpoint)
    values = np.random.default_rng(0).normal(size=(700, 1 if frontend else NUM_MELS)).astype(np.float32)
    batch = collate([Example("", values, [2], "a")])
    assert restored == recipe(CONFORMER, frontend)
    assert task.tokens.vocabulary == VOCABULARY
    assert not task.training
    with torch.no_grad():
        assert task.encode(batch)[0].equal(trained.encode(batch)[0])


def test_a_loaded_decoder_writes_what_the_packed_one_did(checkpoint: Path) -> None:
    trained = build(CONFORMER, seed=3, task=SEQ2SEQ)
    checkpoint.write_bytes(pack(recipe(CONFORMER, task=SEQ2SEQ), trained.state_dict()))
    task = load(checkpoint)[1]
    values = np.random.default_rng(0).normal(size=(90, NUM_MELS)).astype(np.float32)
    batch = collate([Example("", values, [2], "a")])
    with torch.no_grad():
        assert task.decode(task.encode(batch)) == trained.decode(trained.encode(batch))


def test_the_same_training_gives_the_same_bytes() -> None:
    first, second = (pack(recipe(CONFORMER), build(CONFORMER).state_dict()) for _ in range(2))
    assert first == second


def test_a_checkpoint_holds_nothing_that_runs(checkpoint: Path) -> None:
    checkpoint.write_bytes(pack(recipe(), build().state_dict()))
    content = torch.load(checkpoint, weights_only=True)
    assert sorted(content) == ["recipe", "state_dict"]


@pytest.mark.parametrize(
    "place", ["task", "tokens", "frontend", "features.frontend", "task.init_args.encoder"]
)
def test_a_checkpoint_calls_nothing_but_classes_of_the_family(checkpoint: Path, place: str) -> None:
    content = torch.load(io.BytesIO(pack(recipe(frontend=LOG_MEL), build(frontend=LOG_MEL).state_dict())))
    written = json.loads(content["recipe"])
    *sections, name = place.split(".")
    section = written
    for step in sections:
        section = section[step]
    owned = checkpoint.with_name("owned")
    section[name] = {"class_path": "subprocess.getoutput", "init_args": {"cmd": f"touch {owned}"}}
    torch.save(content | {"recipe": json.dumps(written)}, checkpoint)
    with pytest.raises(ValueError, match=r"subprocess\.getoutput is not a subclass of stages\."):
        load(checkpoint)
    assert not owned.exists()


def test_the_vocabulary_in_the_checkpoint_decides_what_is_decoded(checkpoint: Path) -> None:
    checkpoint.write_bytes(pack(recipe(vocabulary=["<blank>", "c", "b", "a", " "]), build().state_dict()))
    _, task = load(checkpoint)
    assert task.tokens.decode([1, 2, 3]) == "cba"


@pytest.mark.parametrize("kept", [0, 100, -50], ids=["empty", "a beginning", "cut short"])
def test_a_damaged_checkpoint_is_refused_by_name(checkpoint: Path, kept: int) -> None:
    checkpoint.write_bytes(pack(recipe(), build().state_dict())[:kept])
    with pytest.raises(
        ValueError, match=r"best\.ckpt: not .* of the train stage: it is not a file of torch.save, or"
    ):
        load(checkpoint)


def test_another_file_is_refused_by_name(checkpoint: Path) -> None:
    torch.save({"state_dict": {}}, checkpoint)
    with pytest.raises(ValueError, match=r"best\.ckpt: not .* of the train stage: it has no 'recipe'$"):
        load(checkpoint)


def test_a_checkpoint_that_would_run_code_is_not_loaded(checkpoint: Path) -> None:
    torch.save({"recipe": Path("a"), "state_dict": {}}, checkpoint)
    with pytest.raises(ValueError, match=r"reading it would run code \(pathlib\.\w+\)") as found:
        load(checkpoint)
    assert "weights_only argument" not in str(found.value)


def test_a_missing_checkpoint_says_which_stage_makes_it(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"best\.ckpt: no such file; run the train stage"):
        load(checkpoint)


def test_a_checkpoint_of_an_earlier_version_says_so(checkpoint: Path) -> None:
    tokens = Part(class_path="stages.tokens.characters.Characters", init_args={"case": "upper"})
    checkpoint.write_bytes(pack(recipe().model_copy(update={"tokens": tokens}), build().state_dict()))
    message = r"best\.ckpt is from another version of Earshot .*init_args\.case: .*\. Train again$"
    with pytest.raises(ValueError, match=message):
        load(checkpoint)


@pytest.mark.parametrize(
    ("vocabulary", "problem"),
    [([*VOCABULARY, "d"], "size mismatch for head"), (VOCABULARY[1:], "vocabulary needs")],
    ids=["larger", "without a blank"],
)
def test_weights_of_another_vocabulary_are_refused_by_name(
    checkpoint: Path, vocabulary: list[str], problem: str
) -> None:
    checkpoint.write_bytes(pack(recipe(vocabulary=vocabulary), build().state_dict()))
    with pytest.raises(
        ValueError, match=rf"best\.ckpt: its weights.*do not fit together: .*(\n.*)*{problem}"
    ):
        load(checkpoint)
