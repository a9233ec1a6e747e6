"""Pieces of a recording that two splits must not share."""

import pytest

from stages.listing.admissions import Piece
from stages.listing.sharing import clash


def train(name: str, offset: float, duration: float, speaker: str | None) -> Piece:
    return Piece("train", name, speaker, offset, duration)


def evaluated(name: str, offset: float, duration: float, speaker: str | None) -> Piece:
    return Piece("test", name, speaker, offset, duration)


@pytest.mark.parametrize(
    ("known", "other"),
    [
        (train("x", 0, 2, "A"), evaluated("y", 1, 2, "B")),
        (train("x", 0, 9, "A"), evaluated("y", 4, 1, "B")),
        (train("x", 4, 1, "A"), evaluated("y", 0, 9, "B")),
        (train("x", 0, 2, "A"), evaluated("y", 2, 2, None)),
        (train("x", 0, 2, None), evaluated("y", 2, 2, "B")),
        (train("x", 0, 2, None), evaluated("y", 7, 2, None)),
        (train("x", 0, 2, " "), evaluated("y", 7, 2, "B")),
    ],
    ids=["overlap", "within", "around", "test unknown", "train unknown", "both unknown", "blank"],
)
def test_pieces_of_a_recording_in_two_splits_clash(known: Piece, other: Piece) -> None:
    assert {piece.id for piece in clash([known, other])} == {"x", "y"}


def test_an_overlap_is_found_behind_a_piece_that_ended_before() -> None:
    pieces = [train("long", 0, 10, "A"), train("short", 1, 1, "A"), evaluated("y", 5, 1, "B")]
    assert [piece.id for piece in clash(pieces)] == ["y", "long"]


def test_speakers_of_one_recording_may_be_divided_where_they_take_turns() -> None:
    # 0.1 + 0.2 is a little more than 0.3, and tables are rounded to 10 ms
    assert not clash([train("x", 0.1, 0.2, "A"), train("z", 5.0, 1.0, "A"), evaluated("y", 0.3, 4.705, "B")])


def test_overlapping_pieces_of_one_split_are_its_own_affair() -> None:
    assert not clash([train("x", 0, 2, None), train("y", 1, 2, None)])
