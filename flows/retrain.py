"""Scheduled retraining: new data, a new model, and promotion only of what is better.

python -m flows.retrain [--margin 0.005] [--drop-folder FOLDER]      python -m flows.retrain --rollback
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import champion, dvc, incoming, retraining_clone, run_page, terminal
from flows.dvc import HYPOTHESES, METRICS, PROJECT, TRAIN_MANIFEST
from flows.git import experiments, git
from flows.notification import notify
from flows.pipeline import UNCHANGED, outcome, run_stages, summary
from stages.schema.manifest_row import read_manifest

WORK = PROJECT / ".scratch" / "retrain"
CLONE = WORK / "clone"
JUDGED = WORK / "judged"  # the fingerprint of the newest candidate that was promoted or refused
RECORDS = PROJECT / "artifacts" / "logs" / "retrain"


@dataclass
class Verdict:
    """What became of a candidate, and why."""

    name: str  # Promoted, Refused, NothingNew or Failed
    reasons: list[str]
    details: list[str] = field(default_factory=list)

    def markdown(self, when: datetime) -> str:
        reasons = "\n".join(f"- {reason}" for reason in self.reasons)
        details = "\n".join(self.details)
        return f"# {self.name}, {when:%Y-%m-%d %H:%M}\n\n{reasons}\n" + (
            f"\n```\n{details}\n```\n" if details else ""
        )


@dataclass(frozen=True)
class Gate:
    """What a candidate must satisfy to be promoted; rates and shares are fractions."""

    metric: str = "wer"
    margin: float = 0.0
    confidence: float = 0.95
    max_blank_ratio_rise: float = 0.1
    max_worst_speaker_rise: float = 0.1
    max_distribution_distance: float = 0.5
    max_new_characters: float = 0.02


@flow(name="retrain")
def retrain(gate: Gate = Gate(), drop_folder: str | None = None) -> State:
    """Train on the newest data, and promote the model if it is better than the champion.

    It works in a clone of its own under .scratch/retrain, and ends Promoted, Refused or NothingNew; a run
    that fails leaves the champion as it was. ``drop_folder`` is laid over manifest.root.
    """
    started = datetime.now()
    with dvc.only_run(WORK / dvc.LOCK.name, get_run_logger().info):
        try:
            verdict = _judge(gate, Path(drop_folder) if drop_folder else None, started)
        except (ValueError, RuntimeError, OSError) as error:
            verdict = Verdict("Failed", [str(error)])
        _publish(verdict, started)
    message = "; ".join(verdict.reasons)
    return (
        Failed(message=message) if verdict.name == "Failed" else Completed(name=verdict.name, message=message)
    )


def _judge(gate: Gate, drop_folder: Path | None, started: datetime) -> Verdict:
    fingerprint = renew(drop_folder)
    before = champion.current(PROJECT)
    if JUDGED.exists() and JUDGED.read_text() == fingerprint:  # a champion that was taken back stays so
        return Verdict(
            "NothingNew",
            [f"code, params and data are those of the newest candidate; {before or 'none'} stays"],
        )
    states = run_stages(CLONE, ["manifest"])
    complaints = _incoming(before, gate) if before and outcome(states).is_completed() else []
    if not complaints:
        states = run_stages(CLONE)
        run_page.show(CLONE)
    if outcome(states).is_failed():
        raise RuntimeError(outcome(states).message)
    judged = JUDGED.with_suffix(".new")
    judged.write_text(fingerprint)  # a full disk is found out here, and not when a model was promoted
    if before and all(state.name == UNCHANGED for state in states.values()):
        verdict = Verdict("NothingNew", ["no stage had anything to do"])
    elif complaints:
        verdict = Verdict("Refused", complaints)
    else:
        verdict = _decide(before, gate, f"retrain-{started:%Y%m%d-%H%M%S}")
        verdict.details += summary(CLONE, states)
    judged.replace(JUDGED)
    return verdict


@task(cache_policy=NO_CACHE)
def renew(drop_folder: Path | None) -> str:
    """The clone as it should be; a fingerprint of what the stages will read."""
    WORK.mkdir(parents=True, exist_ok=True)
    return retraining_clone.renew(CLONE, PROJECT, drop_folder)


def _incoming(before: str, gate: Gate) -> list[str]:
    old, new = read_manifest(_of(before, TRAIN_MANIFEST)), read_manifest(CLONE / TRAIN_MANIFEST)
    return incoming.complaints(old, new, gate.max_distribution_distance, gate.max_new_characters)


def _decide(before: str | None, gate: Gate, name: str) -> Verdict:
    dvc.answer("exp", "save", "-n", name, folder=CLONE)
    if not before:
        return _promote(name, ["there was no champion"], [])
    comparison, text = compare(before, gate)
    refusals = _refusals(comparison, before, gate)
    if refusals:
        return Verdict("Refused", [*refusals, f"{before} stays"], [text])
    return _promote(name, [f"{_rates(comparison, gate)}, better than {before}"], [text])


def _rates(comparison: dict[str, Any], gate: Gate) -> str:
    return (
        f"{gate.metric} {comparison['champion']:.4f} -> {comparison['candidate']:.4f}: better by more than"
        f" {gate.margin:g} with probability {comparison['probability_better']:.3f}"
    )


@task(cache_policy=NO_CACHE)
def compare(before: str, gate: Gate) -> tuple[dict[str, Any], str]:
    """Champion and candidate on the champion's test utterances, as numbers and as text."""
    command = [sys.executable, "-m", "stages.metrics.comparison", str(_of(before, HYPOTHESES))]
    command += [str(HYPOTHESES), "--metric", gate.metric, "--margin", str(gate.margin)]
    printed = []
    for options in (["--json"], []):
        done = subprocess.run([*command, *options], cwd=CLONE, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr.strip())
        printed.append(done.stdout)
    return json.loads(printed[0]), printed[1]


def _refusals(comparison: dict[str, Any], before: str, gate: Gate) -> list[str]:
    found = []
    if comparison["probability_better"] < gate.confidence:
        found.append(f"{_rates(comparison, gate)}, and not {gate.confidence:g}")
    worst = [max(speaker[side] for speaker in comparison["speakers"]) for side in ("champion", "candidate")]
    if worst[1] - worst[0] > gate.max_worst_speaker_rise:
        found.append(f"{gate.metric} of the worst speaker {worst[0]:.4f} -> {worst[1]:.4f}")
    blank = [
        float(metrics.get("blank_ratio", 0.0))
        for metrics in (champion.metrics(before, PROJECT), json.loads((CLONE / METRICS).read_text()))
    ]
    if blank[1] - blank[0] > gate.max_blank_ratio_rise:
        found.append(f"blank ratio {blank[0]:.4f} -> {blank[1]:.4f}")
    return found


def _promote(name: str, reasons: list[str], details: list[str]) -> Verdict:
    tag = champion.next_tag(PROJECT)
    candidate = experiments(CLONE)[name]
    reason = f"{tag}: {'; '.join(reasons)}"
    git("tag", "--annotate", "--force", tag, candidate, "--message", reason, folder=CLONE)
    git("push", "--quiet", "origin", f"refs/tags/{tag}", folder=CLONE)
    return Verdict("Promoted", [f"{tag} is the champion now", *reasons], details)


def _of(tag: str, path: Path) -> Path:
    """A file that DVC keeps, as it was at a tag."""
    commit = git("rev-parse", f"{tag}^{{commit}}", folder=PROJECT)  # a rolled back number is given again
    target = WORK / commit / path.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        dvc.answer("get", ".", str(path), "--rev", tag, "--out", str(target), folder=PROJECT)
    return target


def _publish(verdict: Verdict, started: datetime) -> None:
    """In a record, to whoever wants to hear of it, and on the run page."""
    get_run_logger().info("%s: %s", verdict.name, "; ".join(verdict.reasons))
    news = () if verdict.name == "NothingNew" else (_record, _notification)
    run_page.make_all((*news, _page), verdict, started)


def _record(verdict: Verdict, started: datetime) -> None:
    RECORDS.mkdir(parents=True, exist_ok=True)
    path = RECORDS / f"{started:%Y%m%d-%H%M%S}-{verdict.name.lower()}.md"
    path.write_text(verdict.markdown(started))


def _notification(verdict: Verdict, started: datetime) -> None:
    notify(f"Earshot retraining: {verdict.name}. {'; '.join(verdict.reasons)}")


def _page(verdict: Verdict, started: datetime) -> None:
    text = verdict.markdown(started)
    create_markdown_artifact(text, "verdict", "What became of the candidate, and why")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m flows.retrain", description=__doc__)
    parser.add_argument("--rollback", action="store_true", help="take back the newest promotion")
    parser.add_argument("--drop-folder")
    for name, default in vars(Gate()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    given = vars(parser.parse_args())
    drop_folder = given.pop("drop_folder")
    if given.pop("rollback"):
        print(f"the champion is {champion.rollback(PROJECT) or 'none'} now")
        return
    terminal.run(retrain, Gate(**given), drop_folder)


if __name__ == "__main__":
    main()
