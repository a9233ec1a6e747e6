"""Word error rate."""

import jiwer

from stages.metrics.error_rate import ErrorRate


class WordErrorRate(ErrorRate):
    """Word edits divided by the number of reference words."""

    name = "wer"
    logged = (name,)
    unit = "words"

    def align(self, references: list[str], hypotheses: list[str]) -> jiwer.WordOutput:
        return jiwer.process_words(references, hypotheses)
