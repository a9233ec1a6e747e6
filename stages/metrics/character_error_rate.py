"""Character error rate."""

import jiwer

from stages.metrics.error_rate import ErrorRate


class CharacterErrorRate(ErrorRate):
    """Edits of characters, spaces between words included, divided by the characters of the references."""

    name = "cer"
    logged = (name,)
    unit = "characters"

    def align(self, references: list[str], hypotheses: list[str]) -> jiwer.CharacterOutput:
        return jiwer.process_characters(references, hypotheses)
