"""What was heard in the place of what: tables of evaluate."""

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
        {"reference": NAMES.get(said, said), "hypothesis": NAMES.get(heard, heard)} for said, heard in pairs
    ]
    classes = {name for row in named for name in row.values()}
    return named if len(classes) <= MAX_CLASSES else []


def per_class(kind: str, pairs: Pairs) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, and how often it was said (support); sorted by class.

    Precision of what was never heard is 0, as is recall of what was never said.
    """
    said, heard = (Counter(names) for names in zip(*pairs, strict=True)) if pairs else (Counter(), Counter())
    right = Counter(name for name, other in pairs if name == other)
    rows = []
    for name in sorted((said.keys() | heard.keys()) - {""}):
        precision, recall = right[name] / max(heard[name], 1), right[name] / max(said[name], 1)
        rows.append({
            "kind": kind, "class": NAMES.get(name, name), "precision": precision, "recall": recall,
            "f1": 2 * right[name] / (said[name] + heard[name]), "support": said[name],
        })  # fmt: skip
    return rows
