"""Word error rate."""

import jiwer

from stages.metrics.error_rate import ErrorRate


class WordErrorRate(ErrorRate):
    """Edits of words, divided by the words of the references."""

    name = "wer"
    logged = (name,)
    unit = "words"

    def align(self, references: list[str], hypotheses: list[str]) -> jiwer.WordOutput:
        return jiwer.process_words(references, hypotheses)
