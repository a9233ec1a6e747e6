"""What a metric answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Metric(ABC):
    """Numbers for metrics.json from references and hypotheses, one pair an utterance, normalised.

    Rates are fractions over the corpus: edits summed over all utterances, divided by reference length.
    """

    @abstractmethod
    def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]: ...

    def per_utterance(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, list[int]]:
        """Columns for hypotheses.parquet, such as an utterance's edits; none by default."""
        return {}
