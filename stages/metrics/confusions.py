"""Tables of the evaluate stage: hypotheses against references, class by class."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

Pairs = Sequence[tuple[str, str]]

NAMES = {"": "nothing", " ": "space"}
CLASS_COLUMNS = ("kind", "class", "precision", "recall", "f1", "support")
MAX_CLASSES = 100  # a plot of more is not readable


def confusions(pairs: Pairs) -> list[dict[str, str]]:
    """Return a row for each pair, for DVC's confusion plot; no rows if there are too many classes to plot."""
    named = [
        {"reference": NAMES.get(reference, reference), "hypothesis": NAMES.get(hypothesis, hypothesis)}
        for reference, hypothesis in pairs
    ]
    classes = {name for row in named for name in row.values()}
    return named if len(classes) <= MAX_CLASSES else []


def per_class(kind: str, pairs: Pairs) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and support (count in references) of each class, sorted by class.

    Precision is 0 for a class that no hypothesis has, and recall for a class that no reference has.
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
