"""Checks of new training data against the old."""

import numpy as np
import pytest

from flows.incoming import complaints, ks_distance
from stages.schema.manifest_row import ManifestRow


def rows(prefix: str, durations: list[float], text: str = "turn on the light") -> list[ManifestRow]:
    return [
        ManifestRow(id=f"{prefix}{n}", audio_filepath="a.wav", duration=d, text=text, audio_sha256="0")
        for n, d in enumerate(durations)
    ]


def judge(old: list[ManifestRow], new: list[ManifestRow]) -> list[str]:
    return complaints(old, [*old, *new], max_distance=0.5, max_new_characters=0.02)


OLD = rows("old", [1.0 + n / 100 for n in range(100)])


def test_the_distance_is_that_of_the_cumulative_distributions() -> None:
    assert ks_distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0])) == 0.5
    assert ks_distance(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.0
    assert ks_distance(np.array([1.0, 2.0]), np.array([8.0, 9.0])) == 1.0


def test_data_like_the_old_passes() -> None:
    assert judge(OLD, rows("new", [1.005 + n / 40 for n in range(40)])) == []


def test_nothing_new_passes() -> None:
    assert judge(OLD, []) == []


def test_much_longer_recordings_are_named_with_the_medians() -> None:
    found = judge(OLD, rows("new", [20.0 + n / 1.5 for n in range(30)], text="turn on the light" * 20))
    assert len(found) == 1
    assert "duration of the 30 new utterances differs too much from the old ones'" in found[0]
    assert "distance 1.00, limit 0.5; old and new median 1.50 and 29.67" in found[0]
    assert found[0].endswith("; to accept them, raise the gate's max_distribution_distance")


def test_transcripts_that_do_not_fit_their_recordings_are_named() -> None:
    found = judge(OLD, rows("new", [1.0 + n / 30 for n in range(30)], text="on"))
    assert len(found) == 1
    assert found[0].startswith("characters per second of the 30 new utterances")


def test_a_few_odd_utterances_are_no_distribution() -> None:
    assert judge(OLD, rows("new", [20.0] * 5, text="turn on the light " * 13)) == []


@pytest.mark.parametrize(
    ("text", "refused"), [("turn on the l\u00efght", True), ("light the turn on", False)]
)
def test_characters_that_no_old_transcript_has_are_shown(text: str, refused: bool) -> None:
    found = judge(OLD, rows("new", [1.0, 1.5], text=text))
    assert bool(found) == refused
    assert all(said.endswith("; to accept them, raise the gate's max_new_characters") for said in found)
    assert all("5.9% of the new characters are in no old transcript (\u00ef)" in line for line in found)
