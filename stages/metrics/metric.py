"""The interface of metrics."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

Pairs = dict[str, list[tuple[str, str]]]


class Metric(ABC):
    """Numbers for metrics.json from references and hypotheses, one normalised pair per utterance.

    Rates are fractions over the corpus: edits summed over all utterances, divided by reference length.
    """

    content: ClassVar[str] = "text"  # what the compared tokens stand for
    logged: ClassVar[tuple[str, ...]]  # keys of compute that a validation logs as val_KEY

    @abstractmethod
    def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]: ...

    def per_utterance(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, list[int]]:
        """Columns for hypotheses.parquet, such as an utterance's edits; none by default."""
        return {}

    def compute_ranked(
        self, references: Sequence[str], alternatives: Sequence[Sequence[str]]
    ) -> dict[str, float]:
        """Numbers about the best hypotheses of each utterance, the best first; none by default."""
        return {}

    def pairs(self, references: Sequence[str], hypotheses: Sequence[str]) -> Pairs:
        """Pairs of a reference's and a hypothesis's class, "" for nothing, by kind of class: for tables of
        confusions, precision and recall. None by default.
        """
        return {}

    def indistinguishable(self, kind: str, classes: Collection[str]) -> Mapping[str, str]:
        """Map each class of a kind that cannot always be told apart from others to a description of those;
        none by default.
        """
        return {}
