"""Phoneme error rate."""

from collections.abc import Sequence

import jiwer

from stages.metrics.error_rate import ErrorRate


class PhonemeErrorRate(ErrorRate):
    """Phone edits divided by the number of reference phones; spaces separate phones.

    A phone of several characters is one edit, unlike in a character error rate. ``cer`` has the same value,
    because phoneme recognisers are often monitored under that name (``val_cer``).
    """

    name = "per"
    logged = (name, "cer")
    unit = "phonemes"

    def align(self, references: list[str], hypotheses: list[str]) -> jiwer.WordOutput:
        return jiwer.process_words(references, hypotheses)

    def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]:
        found = super().compute(references, hypotheses)
        return {**found, "cer": found["per"]}
