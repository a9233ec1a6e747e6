"""For what the manifest stage stops, said to people."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stages.corpora.admission import LEFT_OUT
from stages.corpora.admissions import Admissions
from stages.corpora.sharing import Clash, complaint
from stages.report.rejections import Rejections
from stages.schema import params as schema
from stages.schema.manifest_row import REJECTED


@dataclass(frozen=True)
class Stop:
    """A sentence, and the section of the report that has more."""

    text: str
    section: str


def stops(
    admissions: Admissions,
    rejections: Rejections,
    clashes: list[Clash],
    settings: schema.Manifest,
    folder: Path,
) -> Iterator[Stop]:
    """All of them at once; ``folder`` will have the rejected rows."""
    num_utterances = len(admissions) + len(rejections)
    num_bad = len(rejections) - rejections.reasons[LEFT_OUT]
    if num_bad > settings.max_rejected * num_utterances:
        reasons = rejections.reasons.most_common()
        examples = "; ".join(f"{row.id}: {row.reason} ({row.value})" for row in rejections.first)
        yield Stop(
            f"{num_bad} of {num_utterances} utterances were rejected, manifest.max_rejected allows"
            f" {settings.max_rejected:.2%}. {'; '.join(f'{count} x {reason}' for reason, count in reasons)}."
            f" First: {examples}. All of them: {folder}/{REJECTED}",
            "rejected",
        )
    if empty := [split for number, split in enumerate(settings.splits) if number not in admissions.split]:
        yield Stop(
            f"no utterance in split {', '.join(empty)}: {_cause(num_utterances, rejections)}",
            "rejected" if rejections else "splits",
        )
    for kind in ("speaker", "recording"):
        if of_kind := [clash for clash in clashes if clash[0].removeprefix("the ").startswith(kind)]:
            yield Stop(complaint(f"{kind}s", of_kind), "splits")


def _cause(num_utterances: int, rejections: Rejections) -> str:
    """Why a split may be empty, and what to do."""
    if not num_utterances:
        return "the corpora have no utterances; put them below manifest.root, or correct manifest.corpora"
    advice = "give the corpus a list for it, or a larger share under manifest.carve"
    if not rejections:
        return advice
    first = rejections.first[0]
    return (
        f"{len(rejections)} utterances were rejected, first reason: {first.reason} ({first.id}); mend them,"
        f" or {advice}"
    )
