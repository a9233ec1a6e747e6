"""The report as one HTML file that works offline and without scripts."""

from math import log10

from stages.pages.rendering import render
from stages.report.advice import advice
from stages.report.findings import Findings
from stages.report.sounds import CLIPPED_SHARE, SILENT
from stages.report.vocabulary import vocabulary


def page(findings: Findings) -> str:
    """Render the file."""
    sizes = {split.name: split.utterances for split in findings.splits}
    return render(
        "corpus_report.html",
        findings=findings,
        advice=advice(findings),
        shared=[
            (clash.what, ", ".join(f"{piece.id} in {piece.split}" for piece in clash.pieces))
            for clash in findings.clashes
        ],
        known=[(split, found.total / (sizes[split] or 1), found) for split, found in findings.known.items()],
        vocabulary=vocabulary(findings.texts),
        clipped_share=CLIPPED_SHARE,
        silent_decibels=20 * log10(SILENT),
    )
