# ruff: noqa: E501 - a row of the table is a line
"""Corpora, tokens, task, metrics and search that do not fit together are refused before anything runs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.preflight.reading import read_params

WriteParams = Callable[..., Path]

TYPES = ["major", "minor"]
CHORD_METRICS = [{"class_path": "stages.metrics.chord_accuracy.ChordAccuracy"}]
WER = {"class_path": "stages.metrics.word_error_rate.WordErrorRate"}
CER = {"class_path": "stages.metrics.character_error_rate.CharacterErrorRate"}
PER = {"class_path": "stages.metrics.phoneme_error_rate.PhonemeErrorRate"}
TEXT = "is for text, but train\\.tokens are for chords"
CHORDS = "is for chords, but train\\.tokens are for text"


def part(path: str, **init_args: Any) -> dict[str, Any]:
    return {"class_path": f"stages.{path}", "init_args": init_args}


def synthesized(**init_args: Any) -> list[dict[str, Any]]:
    return [part("corpora.synthesized_chords.SynthesizedChords", **init_args)]


def accuracy(**init_args: Any) -> list[dict[str, Any]]:
    return [part("metrics.chord_accuracy.ChordAccuracy", **init_args)]


def message(path: Path) -> str:
    with pytest.raises(ValueError, match="problem") as refused:
        read_params(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("recipe", "changes", "expected"),
    [
        ("chords", {"train.task": part("tasks.ctc.CTC")}, rf"train\.task: \S+CTC {TEXT}"),
        ("chords", {"train.task": part("tasks.seq2seq.Seq2Seq")}, rf"train\.task: \S+Seq2Seq {TEXT}"),
        ("chords", {"train.tokens": part("tokens.characters.Characters")}, rf"train\.task: \S+ChordRec\S+ {CHORDS}"),
        ("chords", {"train.task.init_args.metrics": [WER]}, rf"train\.task\.init_args\.metrics\[0\]: \S+WordErrorRate {TEXT}"),
        ("chords", {"evaluate.metrics": [*CHORD_METRICS, PER]}, rf"evaluate\.metrics\[1\]: \S+PhonemeErrorRate {TEXT}"),
        ("simple_ctc", {"evaluate.metrics": CHORD_METRICS}, rf"evaluate\.metrics\[0\]: \S+ChordAccuracy {CHORDS}"),
    ],
)  # fmt: skip
def test_text_and_chords_are_not_mixed(
    write_params: WriteParams, recipe: str, changes: dict[str, Any], expected: str
) -> None:
    text = message(write_params(changes, recipe))
    assert re.search(rf"^  {expected}", text, re.MULTILINE), text


@pytest.mark.parametrize("order", [[PER, CER], [CER, WER, PER]])
def test_one_name_is_one_metrics(write_params: WriteParams, order: list[Any]) -> None:
    """A phoneme error rate is also logged as cer."""
    text = message(write_params({"evaluate.metrics": order, "train.task.init_args.metrics": order}))
    last, first = order[-1]["class_path"], next(m for m in order if m not in (WER, order[-1]))["class_path"]
    for place in ("train.task.init_args.metrics", "evaluate.metrics"):
        line = f"{place}[{len(order) - 1}]: {last} gives cer, as {first} does: keep one of them"
        assert f"\n  {line}" in text


@pytest.mark.parametrize("search", ["greedy.Greedy", "decoder_beam.DecoderBeam", "prefix_beam.PrefixBeam"])
def test_a_task_without_a_search_takes_none(write_params: WriteParams, search: str) -> None:
    text = message(write_params({"evaluate.search": part(f"search.{search}")}, "chords"))
    assert "\n  evaluate.search: ChordRecognition has no search: set it to null" in text


def test_a_search_of_another_kind_is_refused(write_params: WriteParams) -> None:
    text = message(write_params({"evaluate.search": part("search.decoder_beam.DecoderBeam")}))
    assert (
        "\n  evaluate.search: stages.search.decoder_beam.DecoderBeam is not a CTCSearch, which CTC needs"
        in text
    )


@pytest.mark.parametrize("task", ["ctc.CTC", "seq2seq.Seq2Seq"])
def test_a_text_needs_frames_and_no_pitch_classes(write_params: WriteParams, task: str) -> None:
    encoder = part("models.pitch_conformer.PitchConformer")
    text = message(write_params({"train.task": part(f"tasks.{task}", encoder=encoder)}))
    line = "train.task.init_args.encoder: stages.models.pitch_conformer.PitchConformer gives 12 positions"
    assert f"\n  {line}, but a text needs frames: use another encoder" in text


@pytest.mark.parametrize("section", ["features", "train"])
def test_pitch_classes_need_as_many_bins_to_an_octave(write_params: WriteParams, section: str) -> None:
    changes = {f"{section}.frontend": part("frontends.cqt.CQT", bins_per_octave=24)}
    if section == "train":
        changes["features.frontend"] = part("frontends.waveform.Waveform")
    text = message(write_params(changes, "chords"))
    assert f"\n  {section}.frontend: bins_per_octave must be 12 for stages.models.pitch_conformer.Pit" in text
    linear = {**changes, "train.task.init_args.encoder": part("models.conformer.Conformer")}
    linear["train.task.init_args.heads"] = part("models.linear_heads.LinearHeads")
    read_params(write_params(linear, "chords"))


@pytest.mark.parametrize("corpus", ["synthesized_chords.SynthesizedChords", "chord_folder.ChordFolder"])
def test_tokens_have_the_types_of_every_corpus(write_params: WriteParams, corpus: str) -> None:
    changes = {
        "manifest.corpora": [part(f"corpora.{corpus}", types=["dom7", "major", "6"])],
        "train.tokens": part("tokens.chords.Chords", types=TYPES),
        "evaluate.metrics": CHORD_METRICS,
    }
    text = message(write_params(changes, "chords"))
    assert "\n  train.tokens: chord types of manifest.corpora[0] are not among its types: dom7, 6" in text


def test_default_types_count_as_well(write_params: WriteParams) -> None:
    text = message(write_params({"train.tokens": part("tokens.chords.Chords", types=TYPES)}, "chords"))
    assert "\n  train.tokens: chord types of manifest.corpora[0] are not among its types: diminished" in text


@pytest.mark.parametrize(
    ("corpora", "law", "theirs"),
    [
        (synthesized(types=TYPES), {"bass_is_root": 0.6}, "types: ['major', 'minor']"),
        (synthesized(), {"bass_is_root": 0.5}, "bass_is_root: 0.6"),
        (synthesized(bass_is_root=0.5), {"bass_is_root": 0.6}, "bass_is_root: 0.5"),
    ],
)
def test_ceilings_follow_from_the_law_of_the_corpus(
    write_params: WriteParams, corpora: Any, law: dict[str, Any], theirs: str
) -> None:
    metrics = accuracy(**law)
    text = message(write_params({"manifest.corpora": corpora, "evaluate.metrics": metrics}, "chords"))
    line = "evaluate.metrics[0]: its ceilings depend on bass_is_root and types, but manifest.corpora[0]"
    assert f"\n  {line} has {theirs}" in text


@pytest.mark.parametrize(
    "metrics", [accuracy(bass_is_root=0.6, types=["minor", "major"]), accuracy()], ids=["law", "estimate"]
)
def test_chord_parts_that_agree_are_taken(write_params: WriteParams, metrics: Any) -> None:
    changes = {"manifest.corpora": synthesized(types=TYPES), "evaluate.metrics": metrics}
    params = read_params(write_params(changes, "chords"))  # a vocabulary may be larger than a corpus
    assert params.evaluate.metrics[0].init_args == metrics[0]["init_args"]
