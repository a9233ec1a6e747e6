"""Edit-distance rates over a corpus, with insertions, deletions, substitutions and an interval."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import jiwer
import numpy as np

from stages.metrics.bootstrap import interval, resampled_rates
from stages.metrics.metric import Metric, Pairs
from stages.schema.quantities import NonNegativeInt

Counts = np.ndarray[Any, np.dtype[np.int64]]


class ErrorRate(Metric):
    """The base class of error rates: subclasses set ``name`` and ``unit``, and implement ``align``.

    The confidence interval is the percentile bootstrap over utterances (Bisani and Ney 2004).
    """

    name: str
    unit: str

    def __init__(self, num_bootstraps: NonNegativeInt = 1000, seed: NonNegativeInt = 0) -> None:
        self.num_bootstraps = num_bootstraps
        self.seed = seed

    @abstractmethod
    def align(
        self, references: list[str], hypotheses: list[str]
    ) -> "jiwer.WordOutput | jiwer.CharacterOutput": ...

    def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]:
        counts = self.counts(references, hypotheses)
        edits, lengths = counts[:, :3].sum(1), counts[:, 3]
        if not lengths.sum():
            raise ValueError(f"{self.name}: every reference is empty")
        low, high = self._interval(edits, lengths)
        insertions, deletions, substitutions, length = counts.sum(0).tolist()
        return {
            self.name: float(edits.sum() / length),
            f"{self.name}_ci_low": low,
            f"{self.name}_ci_high": high,
            f"{self.name}_insertions": insertions,
            f"{self.name}_deletions": deletions,
            f"{self.name}_substitutions": substitutions,
            f"{self.name}_reference_{self.unit}": length,
        }

    def per_utterance(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, list[int]]:
        counts = self.counts(references, hypotheses)
        return {
            f"{self.name}_edits": counts[:, :3].sum(1).tolist(),
            f"{self.name}_reference_{self.unit}": counts[:, 3].tolist(),
        }

    def pairs(self, references: Sequence[str], hypotheses: Sequence[str]) -> Pairs:
        output = self.align(list(references), list(hypotheses))
        found: list[tuple[str, str]] = []
        for reference, hypothesis, chunks in zip(
            output.references, output.hypotheses, output.alignments, strict=True
        ):
            for chunk in chunks:
                span = reference[chunk.ref_start_idx : chunk.ref_end_idx]
                instead = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
                found += zip_longest(span, instead, fillvalue="")
        return {self.unit: found}

    def counts(self, references: Sequence[str], hypotheses: Sequence[str]) -> Counts:
        """Return insertions, deletions, substitutions and reference length of each utterance: (N, 4)."""
        output = self.align(list(references), list(hypotheses))
        rows = []
        for reference, chunks in zip(output.references, output.alignments, strict=True):
            sizes = {"insert": 0, "delete": 0, "substitute": 0, "equal": 0}
            for chunk in chunks:
                inserted = chunk.hyp_end_idx - chunk.hyp_start_idx
                sizes[chunk.type] += (
                    inserted if chunk.type == "insert" else chunk.ref_end_idx - chunk.ref_start_idx
                )
            rows.append((sizes["insert"], sizes["delete"], sizes["substitute"], len(reference)))
        return np.array(rows, np.int64).reshape(-1, 4)

    def _interval(self, edits: Counts, lengths: Counts) -> tuple[float, float]:
        if not self.num_bootstraps:
            return interval(edits.sum(keepdims=True) / lengths.sum())
        generator = np.random.default_rng(self.seed)
        return interval(resampled_rates(edits, lengths, self.num_bootstraps, generator))
