"""Character error rate."""

import jiwer

from stages.metrics.error_rate import ErrorRate


class CharacterErrorRate(ErrorRate):
    """Character edits divided by the number of reference characters, spaces between words included."""

    name = "cer"
    logged = (name,)
    unit = "characters"

    def align(self, references: list[str], hypotheses: list[str]) -> jiwer.CharacterOutput:
        return jiwer.process_characters(references, hypotheses)
