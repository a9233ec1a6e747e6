"""The sequence of champions: metrics, changes from one to the next, and candidates refused in between."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import champion
from flows.candidate import corpus_at, params_at
from flows.champion import Champion
from flows.git_command import git
from flows.params_file import params_changes
from flows.record import Record

PREFERRED = ("wer", "per", "cer")  # if there are several rates
CODE = ("stages", "dvc.yaml")

Ends = tuple[float, float]


@dataclass(frozen=True)
class Reign:
    """A champion. ``changes`` are relative to the one before, empty for the first. ``record`` is that of its
    promotion. ``has_other_test``: its rates cannot be compared with those of the one before.
    """

    champion: Champion
    metrics: dict[str, Any]
    hours: float | None
    changes: list[str]
    record: Record | None
    has_other_test: bool

    def interval(self, metric: str) -> Ends | None:
        low, high = (self.metrics.get(f"{metric}_ci_{end}") for end in ("low", "high"))
        return None if low is None or high is None else (low, high)

    @property
    def why(self) -> str:
        return self.champion.message.removeprefix(f"{self.champion.tag}: ")


@dataclass(frozen=True)
class Succession:
    """``metric`` is the one to show; ``others`` are refused candidates and failed runs."""

    metric: str
    reigns: list[Reign]
    others: list[Record]


def succession(project: Path, records: list[Record]) -> Succession:
    """The oldest first."""
    records_by_tag = {
        record.champion: record for record in records if record.name in ("Promoted", "RolledBack")
    }
    reigns: list[Reign] = []
    before: Champion | None = None
    test: Any = None
    for now in champion.history(project):
        corpus = corpus_at(now.tag, project)
        changes = _changes(before, now, project) if before else []
        hours, own = corpus.get("train", {}).get("hours"), corpus.get("test")
        has_other_test = bool(before) and own != test
        reigns.append(
            Reign(
                now, _metrics(now.tag, project), hours, changes, records_by_tag.get(now.tag), has_other_test
            )
        )
        before, test = now, own
    others = [record for record in records if record.name in ("Refused", "Failed")]
    return Succession(_metric(reigns, records), reigns, others)


def _metrics(tag: str, project: Path) -> dict[str, Any]:
    try:
        return champion.metrics(tag, project)
    except (RuntimeError, ValueError):  # a tag that was made manually
        return {}


def _metric(reigns: list[Reign], records: list[Record]) -> str:
    """The metric that the gate compared last, or else a rate that has an interval."""
    known = reigns[-1].metrics if reigns else {}
    compared = [str(record.comparison["metric"]) for record in records[::-1] if "metric" in record.comparison]
    others = [name.removesuffix("_ci_low") for name in known if name.endswith("_ci_low")]
    return next((name for name in [*compared, *PREFERRED, *others] if name in known), PREFERRED[0])


def _changes(before: Champion, now: Champion, project: Path) -> list[str]:
    """Changes of params, code and data as text."""
    found: list[str] = []
    if before.commit == now.commit:
        return found
    try:
        params = params_changes(params_at(before.tag, project), params_at(now.tag, project))
        found += [f"{key}: {old} -> {new}" for key, (old, new) in params.items()]
    except RuntimeError:  # one of the two has no params
        found.append("params unknown")
    files = git("diff", "--name-only", before.commit, now.commit, "--", *CODE, folder=project).splitlines()
    if files:
        folders = Counter(str(Path(file).parent) for file in files)
        found.append(f"code: {', '.join(folders)} ({len(files)} file{'s' * (len(files) > 1)})")
    return found + _data(corpus_at(before.tag, project), corpus_at(now.tag, project))


def _data(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = []
    for split, figures in now.items():
        old = before.get(split)
        if isinstance(figures, dict) and isinstance(old, dict) and old != figures:
            more, hours = (figures[of] - old[of] for of in ("utterances", "hours"))
            same_size = not more and abs(hours) < 0.005
            size = "other utterances, same number" if same_size else f"{more:+,} utterances, {hours:+.2f} h"
            found.append(f"data: {split} {size}")
    return found
