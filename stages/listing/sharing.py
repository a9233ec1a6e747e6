"""Finds speakers and recordings that two splits must not share."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from stages.listing.admissions import Admissions, Piece
from stages.listing.splitting import ROUNDING_SECONDS, speaker_key

Kind = Literal["speaker", "recording"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ADVICE: dict[Kind, str] = {
    "speaker": "Correct the corpus's lists, or split with manifest.carve, which keeps speakers together",
    "recording": "Remove the copies, or correct the corpus's lists; manifest.carve keeps copies together if"
    " they name the same speaker",
}


class Clash(NamedTuple):
    """A speaker, by name, or a recording, by the id of an utterance, with two pieces in two splits."""

    kind: Kind
    name: str
    pieces: list[Piece]

    @property
    def what(self) -> str:
        return f"the recording of {self.name}" if self.kind == "recording" else f"speaker {self.name}"


def shared(admissions: Admissions) -> Iterator[Clash]:
    """Speakers and recordings that are in two splits and must not be, sorted by name.

    Pieces of one recording may be, if they do not overlap and all speakers are known, as in a conversation.
    Recordings with equal samples are the same.
    """
    speakers = list(admissions.speakers)
    by_name = {
        speakers[key]: apart(map(admissions.piece, rows.tolist()))
        for key, rows in admissions.in_several_splits(admissions.speaker).items()
    }
    yield from (Clash("speaker", name, by_name[name]) for name in sorted(by_name))
    clashing = (
        clash([admissions.piece(row) for row in rows.tolist()])
        for rows in admissions.in_several_splits(admissions.content).values()
    )
    yield from sorted(Clash("recording", pieces[0].id, pieces) for pieces in clashing if pieces)


def complaint(kind: Kind, clashes: list[Clash]) -> str:
    """A message on what is shared."""
    first = clashes[0]
    named = ", ".join(f"{piece.id} in {piece.split}" for piece in first.pieces)
    return (
        f"{first.what} is in more than one split ({named}; {len(clashes)} such {kind}s in all): a model would"
        f" be tested on what it has learned. {ADVICE[kind]}."
    )


def apart(pieces: Iterable[Piece]) -> list[Piece]:
    """The first piece and another one in another split; empty if all are in the same."""
    first, *others = pieces
    return next(([first, other] for other in others if other.split != first.split), [])


def clash(pieces: list[Piece]) -> list[Piece]:
    """Two pieces of one recording in two splits that overlap, or one of which has no speaker."""
    for piece in pieces:
        if speaker_key(piece.speaker) is None:
            return apart([piece, *pieces])
    last: dict[str, Piece] = {}  # the one that ends last in each split
    for piece in sorted(pieces, key=lambda piece: piece.offset):
        overlapping = [other for other in last.values() if _end(other) - ROUNDING_SECONDS > piece.offset]
        if found := apart([piece, *overlapping]):
            return found
        last[piece.split] = max(last.get(piece.split, piece), piece, key=_end)
    return []


def _end(piece: Piece) -> float:
    return piece.offset + piece.duration
