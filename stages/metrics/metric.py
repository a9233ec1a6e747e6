"""What a metric answers."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

Pairs = dict[str, list[tuple[str, str]]]


class Metric(ABC):
    """Numbers for metrics.json from references and hypotheses, one pair an utterance, normalised.

    Rates are fractions over the corpus: edits summed over all utterances, divided by reference length.
    """

    content: ClassVar[str] = "text"  # that of the tokens whose texts it compares
    logged: ClassVar[tuple[str, ...]]  # of what compute gives: a validation logs it with val_ before it

    @abstractmethod
    def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]: ...

    def per_utterance(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, list[int]]:
        """Columns for hypotheses.parquet, such as an utterance's edits; none by default."""
        return {}

    def compute_ranked(
        self, references: Sequence[str], alternatives: Sequence[Sequence[str]]
    ) -> dict[str, float]:
        """Numbers about each utterance's best hypotheses, the first of them first; none by default."""
        return {}

    def pairs(self, references: Sequence[str], hypotheses: Sequence[str]) -> Pairs:
        """By kind of class, what a reference has and what its hypothesis has there, "" for nothing: for
        tables of confusions and of precision and recall. None by default.
        """
        return {}

    def indistinguishable(self, kind: str, classes: Collection[str]) -> Mapping[str, str]:
        """Of the classes of a kind, those that cannot always be told apart, each with what it is like, in
        words; none by default.
        """
        return {}
