"""The reasons why the manifest stage stops, as messages."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stages.listing.admissions import Admissions
from stages.listing.sharing import KINDS, Clash, complaint
from stages.report.rejections import Rejections
from stages.schema import params as schema
from stages.schema.manifest_row import REJECTED


@dataclass(frozen=True)
class Stop:
    """A sentence, and the section of the report with details."""

    text: str
    section: str


def stops(
    admissions: Admissions,
    rejections: Rejections,
    clashes: list[Clash],
    settings: schema.Manifest,
    folder: Path,
) -> Iterator[Stop]:
    """All reasons; ``folder`` will have the rejected rows."""
    num_utterances = len(admissions) + len(rejections)
    num_bad = len(rejections) - rejections.num_left_out
    if num_bad > round(settings.max_rejected * num_utterances, 6):  # 0.29 * 100 is less than 29
        examples = "; ".join(f"{row.id}: {row.reason} ({row.value})" for row in rejections.first)
        yield Stop(
            f"{num_bad} of {num_utterances} utterances were rejected, manifest.max_rejected allows"
            f" {settings.max_rejected:.2%}. {'; '.join(rejections.said())}."
            f" First: {examples}. All of them: {folder}/{REJECTED}",
            "rejected",
        )
    if empty := [split for number, split in enumerate(settings.splits) if number not in admissions.split]:
        lost = sum((rejections.by_split[split] for split in (*empty, None)), Counter[str]())
        text = f"no utterance in split {', '.join(empty)}: {_cause(lost, num_utterances)}"
        yield Stop(text, "rejected" if lost else "splits")
    for kind in KINDS:
        if of_kind := [clash for clash in clashes if clash.kind == kind]:
            yield Stop(complaint(kind, of_kind), "splits")


def _cause(lost: Counter[str], num_utterances: int) -> str:
    """Why splits may be empty, from the reasons of their rejected utterances, and what to do."""
    if not num_utterances:
        return "the corpora have no utterances; put them below manifest.root, or correct manifest.corpora"
    advice = "give the corpus a list for it, or set a larger fraction in manifest.carve"
    for reason, count in lost.most_common(1):
        return f"{count} utterances were rejected: {reason}; correct that, or {advice}"
    return advice
