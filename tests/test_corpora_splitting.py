"""Which utterances stay together when a split is carved, and what two splits may not share."""

import unicodedata
from pathlib import Path

import pytest

from stages.corpora.corpus import Utterance
from stages.corpora.splitting import carve, refuse_shared
from stages.schema.manifest_row import ManifestRow

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


def utterance(number: int, audio: str = "a.wav", speaker: str | None = None) -> Utterance:
    return Utterance(id=f"{audio}-{number}", audio=Path(audio), text="GO", speaker=speaker)


def piece(
    row_id: str, offset: float, duration: float, speaker: str | None, sha256: str = "f00"
) -> ManifestRow:
    return ManifestRow(
        id=row_id, audio_filepath="a.wav", offset=offset, duration=duration, text="GO", speaker=speaker,
        audio_sha256=sha256,
    )  # fmt: skip


def test_the_pieces_of_a_recording_stay_together_where_no_speaker_is_known() -> None:
    pieces = [utterance(number, f"{name}.wav") for name in range(40) for number in range(5)]
    splits = {(u.audio, u.split) for u in carve(pieces, {"validation": 0.3, "test": 0.3}, seed=0)}
    assert len(splits) == 40
    assert {split for _, split in splits} == {"train", "validation", "test"}


def test_a_speaker_stays_together_however_the_name_is_spelt() -> None:
    for name in range(20):
        spellings = [f"{COMPOSED}{name}", f"{DECOMPOSED}{name}", f" {COMPOSED}{name} "]
        utterances = [utterance(0, f"{number}.wav", s) for number, s in enumerate(spellings)]
        assert len({u.split for u in carve(utterances, {"test": 0.5}, seed=0)}) == 1


def test_a_blank_speaker_is_none() -> None:
    found = carve([utterance(n, f"{n}.wav", speaker=" ") for n in range(40)], {"test": 0.5}, seed=0)
    assert {u.split for u in found} == {"train", "test"}


def test_a_speaker_in_two_splits_is_refused_however_the_name_is_spelt() -> None:
    train, test = piece("x", 0, 1, COMPOSED, "f00"), piece("y", 0, 1, f"{DECOMPOSED} ", "ba5")
    with pytest.raises(ValueError, match=r"speaker Zo. is in .* \(x in train, y in test; 1 such"):
        refuse_shared({"train": [train], "test": [test]})


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (piece("x", 0, 2, "A"), piece("y", 1, 2, "B")),
        (piece("x", 0, 9, "A"), piece("y", 4, 1, "B")),
        (piece("x", 4, 1, "A"), piece("y", 0, 9, "B")),
        (piece("x", 0, 2, "A"), piece("y", 2, 2, None)),
        (piece("x", 0, 2, None), piece("y", 2, 2, "B")),
        (piece("x", 0, 2, None), piece("y", 7, 2, None)),
        (piece("x", 0, 2, " "), piece("y", 7, 2, "B")),
    ],
    ids=["overlap", "within", "around", "test unknown", "train unknown", "both unknown", "blank"],
)
def test_pieces_of_a_recording_in_two_splits_are_refused(train: ManifestRow, test: ManifestRow) -> None:
    with pytest.raises(ValueError, match=r"recording f00 is in more than one split .* in train.*; 1 such"):
        refuse_shared({"train": [train], "validation": [], "test": [test]})


def test_an_overlap_is_found_behind_a_piece_that_ended_before() -> None:
    train = [piece("long", 0, 10, "A"), piece("short", 1, 1, "A")]
    with pytest.raises(ValueError, match=r"\(y in test, long in train; 1 such"):
        refuse_shared({"train": train, "test": [piece("y", 5, 1, "B")]})


def test_speakers_of_one_recording_may_be_divided_where_they_take_turns() -> None:
    # 0.1 + 0.2 is a little more than 0.3, and tables are rounded to 10 ms
    train, test = [piece("x", 0.1, 0.2, "A"), piece("z", 5.0, 1.0, "A")], [piece("y", 0.3, 4.705, "B")]
    refuse_shared({"train": train, "test": test})


def test_overlapping_pieces_of_one_split_are_its_own_affair() -> None:
    refuse_shared({"train": [piece("x", 0, 2, None), piece("y", 1, 2, None)], "test": []})
