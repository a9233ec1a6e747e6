"""The contract of every corpus in stages/corpora, found automatically."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
from family import classes_of

from stages.corpora.corpus import Corpus, Utterance

# init_args of the corpora that take more than a second by default. Add yours if it does.
TINY: dict[str, dict[str, Any]] = {
    "SpokenNumbers": {
        "num_train": 4,
        "num_validation": 2,
        "num_test": 2,
        "train_voices": ["en-us+m1"],
        "validation_voices": ["en-us+m3"],
        "test_voices": ["en-us+f3"],
    },
    "SpokenRussian": {
        "num_train": 4,
        "num_validation": 2,
        "num_test": 2,
        "train_voices": ["ru+m1"],
        "validation_voices": ["ru+m3"],
        "test_voices": ["ru+f3"],
    },
}


def synthesise(cls: type[Corpus], folder: Path) -> list[Utterance]:
    """The utterances of a tiny corpus, paths relative to the folder; skips corpora that read files."""
    folder.mkdir()
    corpus = cls(**TINY.get(cls.__name__, {}))
    try:
        found = list(corpus.utterances(root=folder / "empty", audio_folder=folder, seed=7))
    except ValueError as error:
        names_what_it_misses = str(folder / "empty") in str(error) or "install the extra" in str(error)
        if not names_what_it_misses:
            pytest.fail(f"a corpus that reads files names the one that it misses, not: {error}")
        pytest.skip(str(error))
    return [replace(utterance, audio=utterance.audio.relative_to(folder)) for utterance in found]


@pytest.fixture(scope="module", params=classes_of(Corpus), ids=lambda cls: cls.__name__)
def cls(request: pytest.FixtureRequest) -> type[Corpus]:
    found: type[Corpus] = request.param
    return found


def test_it_builds_without_arguments(cls: type[Corpus]) -> None:
    assert isinstance(cls(), Corpus)


def test_the_same_arguments_give_the_same_utterances_and_bytes(cls: type[Corpus], tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert synthesise(cls, one) == synthesise(cls, two)
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    assert [(one / name).read_bytes() for name in names] == [(two / name).read_bytes() for name in names]


def test_synthesised_audio_is_flac_and_every_utterance_lies_within_it(
    cls: type[Corpus], tmp_path: Path
) -> None:
    found = synthesise(cls, tmp_path / "audio")
    length = {u.audio: soundfile.info(tmp_path / "audio" / u.audio) for u in found}
    assert {info.format for info in length.values()} == {"FLAC"}
    assert len(length) < len(found)
    for utterance in found:
        assert utterance.duration_seconds
        end = utterance.offset_seconds + utterance.duration_seconds
        assert end <= length[utterance.audio].duration + 1e-6


def test_utterances_have_ids_of_their_own_words_and_a_speaker_of_one_split(
    cls: type[Corpus], tmp_path: Path
) -> None:
    found = synthesise(cls, tmp_path / "audio")
    assert len({u.id for u in found}) == len(found)
    assert all(u.text.strip() for u in found)
    assert len({(u.speaker, u.split) for u in found}) == len({u.speaker for u in found})
