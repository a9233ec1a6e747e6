"""Compare two models on the same utterances with a paired bootstrap (Bisani and Ney 2004)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stages.metrics.bootstrap import interval, resampled_rates

NUM_BOOTSTRAPS = 10_000
UNKNOWN = "(unknown)"

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Speaker:
    """The error rates of one speaker."""

    name: str
    champion: float
    candidate: float


@dataclass(frozen=True)
class Comparison:
    """Error rates as fractions over the corpus; ``difference`` is candidate minus champion (95 % interval).

    ``probability_better`` is the probability of a difference below minus ``margin``.
    """

    metric: str
    margin: float
    num_utterances: int
    num_not_compared: int
    champion: float
    candidate: float
    difference_low: float
    difference_high: float
    probability_better: float
    speakers: list[Speaker]

    def text(self) -> str:
        worst = sorted(self.speakers, key=lambda speaker: speaker.champion - speaker.candidate)[:5]
        width = max(len(speaker.name) for speaker in self.speakers)
        return "\n".join(
            [
                f"{self.num_utterances} utterances of {len(self.speakers)} speakers"
                + f" ({self.num_not_compared} scored only for the candidate are left out)",
                f"{self.metric}: champion {self.champion:.4f}, candidate {self.candidate:.4f}, difference"
                f" {self.candidate - self.champion:+.4f}"
                f" (95 % interval {self.difference_low:+.4f} to {self.difference_high:+.4f})",
                f"probability that the candidate is better by more than {self.margin:g}:"
                f" {self.probability_better:.4f}",
                "speakers with the worst change, champion and candidate:",
                *(f"  {s.name:{width}} {s.champion:.4f} {s.candidate:.4f}" for s in worst),
            ]
        )


def compare(
    champion: pd.DataFrame,
    candidate: pd.DataFrame,
    *,
    metric: str = "wer",
    margin: float = 0.0,
    seed: int = 0,
) -> Comparison:
    """Compare on the champion's utterances; ValueError if the candidate's test set differs."""
    pairs = _pair(champion, candidate)
    length = _column(pairs, f"{metric}_reference_", "_champion")
    before, after = (_column(pairs, f"{metric}_edits", f"_{side}") for side in ("champion", "candidate"))
    if not length.sum():
        raise ValueError(f"{metric}: every reference is empty")
    drawn = resampled_rates(after - before, length, NUM_BOOTSTRAPS, np.random.default_rng(seed))
    low, high = interval(drawn)
    names = pairs["speaker_champion"].fillna(UNKNOWN)
    speakers = []
    for name, rows in sorted(pairs.groupby(names).indices.items()):
        words = max(length[rows].sum(), 1)
        speakers.append(
            Speaker(str(name), float(before[rows].sum() / words), float(after[rows].sum() / words))
        )
    return Comparison(
        metric=metric,
        margin=margin,
        num_utterances=len(pairs),
        num_not_compared=len(candidate) - len(pairs),
        champion=float(before.sum() / length.sum()),
        candidate=float(after.sum() / length.sum()),
        difference_low=low,
        difference_high=high,
        probability_better=float((drawn < -margin).mean()),
        speakers=speakers,
    )


def _pair(champion: pd.DataFrame, candidate: pd.DataFrame) -> pd.DataFrame:
    for name, table in (("champion", champion), ("candidate", candidate)):
        if absent := {"id", "speaker", "reference"} - set(table.columns):
            raise ValueError(f"the {name}'s file has no column {min(absent)}: it is not a hypotheses.parquet")
        if table["id"].duplicated().any():
            raise ValueError(
                f"the {name} was scored twice on {table['id'][table['id'].duplicated()].iloc[0]}"
            )
    if not len(champion):
        raise ValueError("the champion was scored on no utterance")
    pairs = champion.merge(candidate, on="id", how="left", suffixes=("_champion", "_candidate"))
    missing = pairs.loc[pairs["reference_candidate"].isna(), "id"]
    if len(missing):
        raise ValueError(
            f"the candidate was not scored on {len(missing)} of the champion's {len(champion)} utterances,"
            f" first {missing.iloc[0]}; a comparison needs the same test set"
        )
    other = pairs[pairs["reference_champion"] != pairs["reference_candidate"]]
    if len(other):
        first = other.iloc[0]
        raise ValueError(
            f"{len(other)} utterances have different references, first {first['id']}:"
            f" {first['reference_champion']!r}, {first['reference_candidate']!r}"
        )
    return pairs


def _column(pairs: pd.DataFrame, prefix: str, suffix: str) -> Floats:
    found = [name for name in pairs.columns if name.startswith(prefix) and name.endswith(suffix)]
    if not found:
        raise ValueError(f"no column {prefix}... in both files: evaluate with that metric")
    values: Floats = pairs[found[0]].to_numpy(np.float64)
    return values
