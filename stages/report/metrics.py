"""The figures of the report, for DVC to compare between commits."""

from typing import Any

from stages.report.findings import Findings, SplitFigures


def metrics(findings: Findings) -> dict[str, Any]:
    """Numbers only: of the complete corpus, and one level below, of each split."""
    texts = findings.texts
    whole: dict[str, Any] = {
        "rejected": len(findings.rejections),
        "duplicates": findings.duplicates.total,
        "duplicates_with_other_text": findings.contradictions.total,
        "clipped": findings.clipped.total,
        "silent": findings.silent.total,
        "suspicious_transcripts": findings.num_suspicious,
        "characters": len(texts.total()),
        "rare_characters": len(texts.rare()),
        "unseen_characters": len(texts.unseen()),
    }
    if findings.validation_in_train:  # a warning: validation does not measure unseen speech
        whole["validation_in_train"] = findings.validation_in_train
    return whole | {split.name: _of(split, findings) for split in findings.splits}


def _of(split: SplitFigures, findings: Findings) -> dict[str, float]:
    found: dict[str, float] = {
        "hours": round(split.hours, 4),
        "utterances": split.utterances,
        "speakers": split.speakers,
        "median_seconds": round(split.median_seconds or 0.0, 3),
        "characters_per_second": round(split.characters_per_second or 0.0, 3),
    }
    if split.name in findings.known and split.utterances:
        found["transcripts_in_train"] = round(findings.known[split.name].total / split.utterances, 4)
    return found
