"""The report as one HTML file that needs neither network nor scripts."""

from html import escape
from math import log10

from stages.pages.document import document, tiles
from stages.pages.markup import Html, pill, section, sentence, shown, table
from stages.report.advice import advice
from stages.report.examples import examples
from stages.report.findings import Findings
from stages.report.sounds import CLIPPED_SHARE, SILENT
from stages.report.vocabulary import vocabulary

SECTIONS = {
    "splits": "Splits",
    "distributions": "Durations and rates",
    "speakers": "Speakers",
    "characters": "Characters",
    "suspicious": "Suspicious transcripts",
    "overlap": "Overlap",
    "duplicates": "Duplicates",
    "sound": "Clipping and silence",
    "formats": "Formats",
    "rejected": "Rejected",
}


def page(findings: Findings) -> str:
    """The whole file."""
    parts = [
        _advice(findings), _splits(findings), _distributions(findings), _speakers(findings),
        vocabulary(findings.texts), _suspicious(findings), _overlap(findings), _duplicates(findings),
        _sound(findings), _formats(findings), _rejected(findings),
    ]  # fmt: skip
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title in SECTIONS.items())
    footer = (
        "<footer>Written by the manifest stage. rejected.json beside this file has every rejected row, and"
        " {train,validation,test}.json every other one.</footer>"
    )
    return document("Corpus report", f"<nav>{links}</nav>{_tiles(findings)}{''.join(parts)}{footer}")


def _tiles(findings: Findings) -> str:
    facts = [
        (f"{sum(split.hours for split in findings.splits):,.2f}", "hours"),
        (f"{sum(split.utterances for split in findings.splits):,}", "utterances"),
        (f"{findings.num_speakers:,}" if findings.num_speakers else "unknown", "speakers"),
        (f"{len(findings.texts.total()):,}", "characters in use"),
        (f"{len(findings.rejections):,}", "rejected"),
    ]
    return tiles((Html(number), name) for number, name in facts)


def _advice(findings: Findings) -> Html:
    said = advice(findings)
    items = "".join(
        f"<li{' class=grave' if one.is_grave else ''}>{sentence(one.text)}"
        f' <a href="#{one.section}">{escape(SECTIONS[one.section])} ↓</a></li>'
        for one in said
    )
    body = f"<ul class=advice>{items}</ul>" if said else "<p class=fine>Nothing stands out.</p>"
    return section(
        "first", "Look at this first", "What may spoil a training or its results, the gravest first.", body
    )


def _splits(findings: Findings) -> Html:
    total = sum(split.hours for split in findings.splits) or 1.0
    shares = "".join(
        f'<i class="{split.name}" style="width:{split.hours / total:.2%}"></i>' for split in findings.splits
    )
    rows = [
        (
            Html(pill(split.name)), split.utterances, f"{split.hours:,.2f}", f"{split.hours / total:.1%}",
            split.speakers, split.without_speaker, _number(split.shortest), _number(split.median_seconds),
            _number(split.longest), _number(split.characters_per_second, 1),
        )
        for split in findings.splits
    ]  # fmt: skip
    headers = [
        "Split", "Utterances", "Hours", "Share", "Speakers", "Without speaker", "Shortest, s", "Median, s",
        "Longest, s", "Characters per s",
    ]  # fmt: skip
    shared = [
        (clash.what, ", ".join(f"{piece.id} in {piece.split}" for piece in clash.pieces))
        for clash in findings.clashes
    ]
    bad = f"<h3>In more than one split <span class=count>{len(shared):,}</span></h3>"
    bad += table(["What", "For example"], shared[:10])
    lead = "No speaker and no recording may be in two splits: a model would be tested on what it has learned."
    return section(
        "splits", "Splits", lead, f"<div class=shares>{shares}</div>", table(headers, rows, range(1, 10)),
        bad if shared else "",
    )  # fmt: skip


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _distributions(findings: Findings) -> Html:
    charts = "".join(
        f"<figure><figcaption>{escape(one.title)}</figcaption>{one.svg()}</figure>"
        for one in findings.histograms
    )
    lead = (
        "Number of utterances; each split has its own height, the dashed line is its median. Splits should"
        " look alike, and single bars far away from the rest are worth a look."
    )
    return section(
        "distributions", "Durations, speaking rates and levels", lead, f"<div class=charts>{charts}</div>"
    )


def _speakers(findings: Findings) -> Html:
    most = max((speaker.hours for speaker in findings.speakers), default=0.0) or 1.0
    total = sum(split.hours for split in findings.splits) or 1.0
    rows = [
        (
            speaker.name, Html("".join(map(pill, speaker.splits))), speaker.utterances,
            f"{speaker.hours * 60:,.1f}", f"{speaker.hours / total:.1%}",
            _bar(speaker.splits[0], speaker.hours / most),
        )
        for speaker in findings.speakers
    ]  # fmt: skip
    without = sum(split.without_speaker for split in findings.splits)
    lead = f"{findings.num_speakers:,} speakers; {without:,} utterances without one. Those who say most:"
    headers = ["Speaker", "Split", "Utterances", "Minutes", "Of the corpus", ""]
    return section("speakers", "Speakers", lead, table(headers, rows, (2, 3, 4)) if rows else "")


def _bar(split: str, share: float) -> Html:
    return Html(f'<span class=bar><i class="{split}" style="width:{share:.1%}"></i></span>')


def _suspicious(findings: Findings) -> Html:
    lead = (
        "Transcripts that differ from how this corpus is written otherwise, or that do not fit the length of"
        " their audio: a wrong cut, a wrong file, words left out."
    )
    lists = [
        examples(name, found, "Rate" if found.note else "") for name, found in findings.suspicious.items()
    ]
    return section(
        "suspicious", "Suspicious transcripts", lead, *(lists or [Html("<p class=fine>None found.</p>")])
    )


def _overlap(findings: Findings) -> Html:
    sizes = {split.name: split.utterances for split in findings.splits}
    lists = [
        examples(
            f"Transcripts of {split} that are also in train ({found.total / (sizes[split] or 1):.0%})", found
        )
        for split, found in findings.known.items()
    ]
    lead = "Sentences that training has seen are easier: beside others, error rates on them flatter."
    return section("overlap", "Overlap of transcripts", lead, *lists)


def _duplicates(findings: Findings) -> Html:
    lead = (
        "The same span of recordings whose samples are all equal, in whatever container or lossless format"
        " they lie; what is equal in other spans is not looked for."
    )
    return section(
        "duplicates", "Duplicates by sound", lead,
        examples("The same sound with another transcript", findings.contradictions, "But"),
        examples("The same sound again", findings.duplicates, "Sounds"),
    )  # fmt: skip


def _sound(findings: Findings) -> Html:
    lead = (
        f"Clipped: more than {CLIPPED_SHARE:.1%} of the samples are at full scale, three or more in a row."
        f" Silent: no tenth of a second is louder than {20 * log10(SILENT):.0f} dBFS."
    )
    return section(
        "sound", "Clipping and silence", lead,
        examples("Clipped utterances", findings.clipped, "Clipped"),
        examples("Silent utterances", findings.silent, "Loudest"),
    )  # fmt: skip


def _formats(findings: Findings) -> Html:
    rows = [
        (kind.name, f"{kind.sample_rate:,}", kind.num_channels, kind.num_recordings, f"{kind.hours:,.2f}")
        for kind in findings.kinds
    ]
    lead = "All are mixed down to one channel and resampled to features.sample_rate."
    headers = ["Format", "Sample rate, Hz", "Channels", "Recordings", "Hours"]
    return section("formats", "Formats", lead, table(headers, rows, range(1, 5)))


def _rejected(findings: Findings) -> Html:
    lead = "Rows that are in no split, by reason; rejected.json has them all."
    rejections = findings.rejections
    rows = [
        (
            reason,
            count,
            Html("<br>".join(f"{shown(row.id)}: {shown(row.value)}" for row in rejections.examples[reason])),
        )
        for reason, count in rejections.reasons.most_common()
    ]
    body = table(["Reason", "Rows", "For example"], rows, (1,)) if rows else Html("<p class=fine>None.</p>")
    return section("rejected", "Rejected", lead, body)
