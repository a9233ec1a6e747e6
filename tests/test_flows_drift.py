"""Comparison of new and old training data, in figures and as a plot."""

from collections import Counter
from pathlib import Path

import pytest

from flows import drift_picture
from flows.drift import Drift, drift, total_variation
from flows.exhibits import Exhibits
from flows.record import Record, keep
from stages.schema.manifest_row import ManifestRow


def rows(
    prefix: str, count: int, seconds: float, text: str, speaker: str | None = "anna"
) -> list[ManifestRow]:
    return [
        ManifestRow(
            id=f"{prefix}{n}", audio_filepath="a.wav", audio_sha256="0",
            duration=seconds + n / 100, text=text, speaker=speaker,
        )
        for n in range(count)
    ]  # fmt: skip


OLD = rows("old", 40, 1.0, "abab")


def found(new: list[ManifestRow]) -> Drift:
    return drift(OLD, [*OLD[5:], *new])


def test_the_total_variation_is_half_the_differences() -> None:
    assert total_variation(Counter("ab"), Counter("ab" * 5)) == 0.0
    assert total_variation(Counter("ab"), Counter("cd")) == 1.0
    assert total_variation(Counter("aabb"), Counter("abbb")) == 0.25


def test_data_like_the_old_is_near_and_other_data_far() -> None:
    same = found(rows("new", 40, 1.0, "baba"))
    assert len(same.new) == 40
    assert same.distances() == {
        "duration": 0.0, "characters per second": 0.0, "characters": 0.0, "new speakers": 0.0,
    }  # fmt: skip
    other = found(rows("new", 40, 9.0, "cdcd" * 99, speaker="berta"))
    assert other.distances() == dict.fromkeys(same.distances(), 1.0)


def test_of_a_few_utterances_no_distance_is_told() -> None:
    assert found(rows("new", 5, 9.0, "c")).distances() == {}


@pytest.mark.parametrize("text", ["a $b$ \u00df", "\u4e2d\u6587"], ids=["mathematics", "no glyphs"])
def test_the_picture_is_drawn_whatever_the_data_are(tmp_path: Path, text: str) -> None:
    for day in range(1, 4):
        earlier = Record(started=f"2026-03-0{day}T05:06:07", name="Refused", distances={"duration": day / 4})
        keep(earlier, "# Refused", tmp_path)
    now = Record(
        started="2026-03-04T05:06:07", name="Promoted", distances={"duration": 0.1, "characters": 0.3}
    )
    new = [*rows("new", 30, 2.0, text), *rows("newer", 5, 2.0, text, speaker=None)]
    Exhibits(drift=found(new)).write(tmp_path / "own", now)
    assert (tmp_path / "own" / "drift.png").read_bytes().startswith(b"\x89PNG")
    assert len(drift_picture.draw(found(new), [now]).axes) == 5


def test_without_new_utterances_there_is_no_picture(tmp_path: Path) -> None:
    Exhibits(drift=found([])).write(tmp_path, Record(started="2026-03-04T05:06:07"))
    assert list(tmp_path.iterdir()) == []
