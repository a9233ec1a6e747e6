"""Hypotheses against references, class by class: tables of evaluate."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

Pairs = Sequence[tuple[str, str]]

NAMES = {"": "nothing", " ": "space"}
CLASS_COLUMNS = ("kind", "class", "precision", "recall", "f1", "support")
MAX_CLASSES = 100  # of a picture that can be read


def confusions(pairs: Pairs) -> list[dict[str, str]]:
    """A row for each pair, which DVC's confusion plot counts; none if there are too many classes to see."""
    named = [
        {"reference": NAMES.get(reference, reference), "hypothesis": NAMES.get(hypothesis, hypothesis)}
        for reference, hypothesis in pairs
    ]
    classes = {name for row in named for name in row.values()}
    return named if len(classes) <= MAX_CLASSES else []


def per_class(kind: str, pairs: Pairs) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, and its count in references (support); sorted by class.

    Precision of a class that no hypothesis has is 0, as is recall of one that no reference has.
    """
    references, hypotheses = (
        (Counter(names) for names in zip(*pairs, strict=True)) if pairs else (Counter(), Counter())
    )
    correct = Counter(name for name, other in pairs if name == other)
    rows = []
    for name in sorted((references.keys() | hypotheses.keys()) - {""}):
        precision, recall = (
            correct[name] / max(hypotheses[name], 1),
            correct[name] / max(references[name], 1),
        )
        rows.append({
            "kind": kind, "class": NAMES.get(name, name), "precision": precision, "recall": recall,
            "f1": 2 * correct[name] / (references[name] + hypotheses[name]), "support": references[name],
        })  # fmt: skip
    return rows
