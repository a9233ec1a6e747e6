"""Which utterances stay together when a split is carved."""

import unicodedata
from pathlib import Path

from stages.corpora.corpus import Utterance
from stages.listing.splitting import carve

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


def utterance(number: int, audio: str = "a.wav", speaker: str | None = None) -> Utterance:
    return Utterance(id=f"{audio}-{number}", audio=Path(audio), text="GO", speaker=speaker)


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
