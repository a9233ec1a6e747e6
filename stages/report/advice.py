"""What to look at first: sentences on what is unusual about a corpus."""

from collections.abc import Iterator
from dataclasses import dataclass

from stages.listing.admission import LEFT_OUT
from stages.report.findings import Findings

BIG_SPEAKER = 0.3  # of the hours of a split
KNOWN_SHARE = 0.2  # of a split's transcripts
MAX_NAME = 80  # characters
MIN_SPEAKERS = 3  # of a corpus: with fewer, a dominant speaker is expected


@dataclass(frozen=True)
class Advice:
    """A sentence, and the section with details. ``is_grave``: results would be wrong or missing."""

    text: str
    section: str
    is_grave: bool = False


def advice(findings: Findings) -> list[Advice]:
    """Grave ones first."""
    found = [
        *_stops(findings),
        *_sharing(findings),
        *_texts(findings),
        *_sounds(findings),
        *_balance(findings),
    ]
    return sorted(found, key=lambda one: not one.is_grave)


def _stops(findings: Findings) -> Iterator[Advice]:
    for stop in findings.stops:
        yield Advice(f"The stage stopped: {stop.text}", stop.section, True)
    if findings.rejections and not findings.stops:
        yield Advice(f"{len(findings.rejections):,} utterances were rejected.", "rejected")


def _sharing(findings: Findings) -> Iterator[Advice]:
    if findings.validation_in_train:
        yield Advice(
            f"{findings.validation_in_train:,} utterances of validation are also in train"
            " (add_validation_to_train), not counted there: validation does not measure unseen speech.",
            "overlap",
            True,
        )
    if left_out := findings.validation_left_out:
        yield Advice(
            f"{left_out:,} utterances of validation are {LEFT_OUT} and not added to train.", "overlap"
        )
    if total := findings.contradictions.total:
        yield Advice(
            f"{total:,} utterances have the same samples as another with a different transcript.",
            "duplicates",
            True,
        )
    if total := findings.duplicates.total:
        yield Advice(f"{total:,} utterances have the same samples as an earlier one.", "duplicates")
    for split in findings.splits:
        known = findings.known.get(split.name)
        if known and known.total > KNOWN_SHARE * split.utterances:
            yield Advice(
                f"{known.total / split.utterances:.0%} of the transcripts of {split.name} are also in train:"
                " error rates there are lower than on new sentences.",
                "overlap",
            )


def _texts(findings: Findings) -> Iterator[Advice]:
    if unseen := findings.texts.unseen():
        yield Advice(f"{len(unseen)} characters of validation or test are never in train.", "characters")
    if rare := findings.texts.rare():
        yield Advice(f"{len(rare)} characters are rare in train: noise, or too few examples?", "characters")
    for name, found in findings.suspicious.items():
        yield Advice(f"{name}: {found.total:,}.", "suspicious")


def _sounds(findings: Findings) -> Iterator[Advice]:
    if total := findings.silent.total:
        yield Advice(f"{total:,} utterances are silent, but have a transcript.", "sound", True)
    if total := findings.clipped.total:
        yield Advice(f"{total:,} utterances are clipped.", "sound")
    if len({kind.sample_rate for kind in findings.kinds}) > 1:
        yield Advice("Sample rates differ: high frequencies may identify the source.", "formats")


def _balance(findings: Findings) -> Iterator[Advice]:
    for figures in findings.splits:
        if findings.num_speakers >= MIN_SPEAKERS and figures.main_share > BIG_SPEAKER:
            yield Advice(
                f"{str(figures.main_speaker)[:MAX_NAME]} speaks {figures.main_share:.0%} of {figures.name}.",
                "speakers",
            )
        if figures.without_speaker and figures.speakers:
            yield Advice(
                f"{figures.without_speaker:,} utterances of {figures.name} have no speaker.", "speakers"
            )
