"""Check that new training data resembles the old, before training on it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from stages.schema.manifest_row import ManifestRow

MIN_ROWS = 20  # fewer do not make a useful distribution

Floats = np.ndarray[Any, np.dtype[np.float64]]


def complaints(
    before: Sequence[ManifestRow], now: Sequence[ManifestRow], max_distance: float, max_new_characters: float
) -> list[str]:
    """What looks wrong with the new rows; empty if nothing does.

    ``max_distance`` limits the Kolmogorov-Smirnov distances of durations and of characters per second,
    ``max_new_characters`` the fraction of characters that no old transcript has.
    """
    incoming = unseen(before, now)
    found, accept = [], "to accept them, raise the gate's"
    for name, values in {
        "duration": [durations(rows) for rows in (before, incoming)],
        "characters per second": [rates(rows) for rows in (before, incoming)],
    }.items():
        if min(map(len, values)) >= MIN_ROWS and (distance := ks_distance(*values)) > max_distance:
            medians = " and ".join(f"{np.median(of):.2f}" for of in values)
            found.append(
                f"{name} of the {len(incoming)} new utterances differs too much from the old ones'"
                f" (Kolmogorov-Smirnov distance {distance:.2f}, limit {max_distance:g}; old and new median"
                f" {medians});"
                f" {accept} max_distribution_distance"
            )
    old, new = ("".join(row.text for row in rows) for rows in (before, incoming))
    strange = sorted(set(new) - set(old))
    share = sum(new.count(character) for character in strange) / max(len(new), 1)
    if old and share > max_new_characters:
        shown = " ".join(strange[:10])
        found.append(f"{share:.1%} of the new characters are in no old transcript ({shown}), limit"
                     f" {max_new_characters:.1%}; {accept} max_new_characters")  # fmt: skip
    return found


def unseen(before: Iterable[ManifestRow], now: Iterable[ManifestRow]) -> list[ManifestRow]:
    """The rows whose id was not there before."""
    known = {row.id for row in before}
    return [row for row in now if row.id not in known]


def ks_distance(left: Floats, right: Floats) -> float:
    """The largest difference between two cumulative distributions, 0 to 1 (Kolmogorov-Smirnov)."""
    at = np.concatenate([left, right])
    shares = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (left, right)]
    return float(np.abs(shares[0] - shares[1]).max())


def durations(rows: Sequence[ManifestRow]) -> Floats:
    return np.array([row.duration for row in rows])


def rates(rows: Sequence[ManifestRow]) -> Floats:
    return np.array([len(row.text) / row.duration for row in rows])
