"""Scheduled retraining: new data, a new model, and promotion only of what is better.

python -m flows.retrain [--margin 0.005] [--drop-folder FOLDER]      python -m flows.retrain --rollback
"""

import argparse
import hashlib
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import champion, dvc_command, incoming, retraining_clone, run_page, terminal
from flows.dvc_command import HYPOTHESES, PROJECT, TRAIN_MANIFEST
from flows.gate import Gate, judge
from flows.git_command import experiments, git, git_bytes
from flows.notification import notify
from flows.stage_tasks import outcome, run_stages, summary, up_to_date
from stages.schema.manifest_row import read_manifest

WORK = PROJECT / ".scratch" / "retrain"
CLONE = WORK / "clone"
JUDGED = WORK / "judged"  # what became of every candidate, by what it was made from and its gate
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


@flow(name="retrain")
def retrain(gate: Gate = Gate(), drop_folder: str | None = None) -> State:
    """Train on the newest data, and promote the model if it is better than the champion.

    It works in a clone of its own under .scratch/retrain, and ends Promoted, Refused or NothingNew; a run
    that fails leaves the champion as it was. ``drop_folder`` is laid over manifest.root.
    """
    started = datetime.now()
    with dvc_command.only_run(WORK / dvc_command.LOCK.name, get_run_logger().info):
        try:
            verdict = _judge(gate, Path(drop_folder) if drop_folder else None, started)
        except Exception as error:  # noqa: BLE001 - whatever it is, people hear of it
            get_run_logger().debug("why it failed", exc_info=True)
            verdict = Verdict("Failed", [str(error) or type(error).__name__])
        _publish(verdict, started)
    message = "; ".join(verdict.reasons)
    return (
        Failed(message=message) if verdict.name == "Failed" else Completed(name=verdict.name, message=message)
    )


def _judge(gate: Gate, drop_folder: Path | None, started: datetime) -> Verdict:
    judged = JUDGED / _digest(renew(drop_folder), gate)
    before = champion.current(PROJECT)
    if judged.exists():  # a champion that was taken back stays so
        return Verdict(
            "NothingNew", [f"{judged.read_text(encoding='utf-8')} (remove {judged} to have it judged again)"]
        )
    if before:
        gate.check_metric(champion.file(before, HYPOTHESES, PROJECT))
    states = run_stages(CLONE, ["manifest"])
    complaints = _incoming(before, gate) if before and outcome(states).is_completed() else []
    if not complaints:
        states = run_stages(CLONE)
        run_page.show(CLONE, up_to_date(states))
    if outcome(states).is_failed():
        raise RuntimeError(outcome(states).message)
    JUDGED.mkdir(parents=True, exist_ok=True)
    noted = judged.with_suffix(".new")
    noted.write_text(" " * 4096)  # a full disk is found out here, and not when a model was promoted
    if complaints:
        verdict = Verdict("Refused", complaints)
    elif before and _is_champion(before):
        verdict = Verdict("NothingNew", [f"what comes out is {before}"])
    else:
        verdict = _decide(before, gate, f"retrain-{started:%Y%m%d-%H%M%S}")
        verdict.details += summary(CLONE, states)
    became = f"judged on {started:%Y-%m-%d %H:%M}, {verdict.name}: {'; '.join(verdict.reasons)}"
    noted.write_text(became, encoding="utf-8")
    noted.replace(judged)
    return verdict


def _digest(fingerprint: str, gate: Gate) -> str:
    return hashlib.sha256(f"{fingerprint} {gate}".encode()).hexdigest()[:16]


def _is_champion(tag: str) -> bool:
    """Whether every stage has the inputs and outputs that the champion's had."""
    lock = Path("dvc.lock")
    theirs = git_bytes("show", f"{tag}:{lock}", folder=PROJECT)
    return sorted(theirs.splitlines()) == sorted((CLONE / lock).read_bytes().splitlines())


@task(cache_policy=NO_CACHE)
def renew(drop_folder: Path | None) -> str:
    """The clone as it should be; a fingerprint of what the stages will read."""
    WORK.mkdir(parents=True, exist_ok=True)
    return retraining_clone.renew(CLONE, PROJECT, drop_folder)


def _incoming(before: str, gate: Gate) -> list[str]:
    old = read_manifest(champion.file(before, TRAIN_MANIFEST, PROJECT))
    new = read_manifest(CLONE / TRAIN_MANIFEST)
    return incoming.complaints(old, new, gate.max_distribution_distance, gate.max_new_characters)


def _decide(before: str | None, gate: Gate, name: str) -> Verdict:
    dvc_command.answer("exp", "save", "-n", name, folder=CLONE)
    if not before:
        return _promote(name, ["there was no champion"], [])
    judgement = judge(gate, before, champion.file(before, HYPOTHESES, PROJECT), CLONE, PROJECT)
    if judgement.refusals:
        return Verdict("Refused", [*judgement.refusals, f"{before} stays"], [judgement.text])
    return _promote(name, [f"{judgement.rates}, better than {before}"], [judgement.text])


def _promote(name: str, reasons: list[str], details: list[str]) -> Verdict:
    tag = champion.next_tag(PROJECT)
    candidate = experiments(CLONE)[name]
    reason = f"{tag}: {'; '.join(reasons)}"
    git("tag", "--annotate", "--force", tag, candidate, "--message", reason, folder=CLONE)
    git("push", "--quiet", "origin", f"refs/tags/{tag}", folder=CLONE)
    return Verdict("Promoted", [f"{tag} is the champion now", *reasons], details)


def _publish(verdict: Verdict, started: datetime) -> None:
    """In a record, to whoever wants to hear of it, and on the run page."""
    get_run_logger().info("%s: %s", verdict.name, "; ".join(verdict.reasons))
    news = () if verdict.name == "NothingNew" else (_record, _notification)
    run_page.make_all((*news, _page), verdict, started)


def _record(verdict: Verdict, started: datetime) -> None:
    RECORDS.mkdir(parents=True, exist_ok=True)
    path = RECORDS / f"{started:%Y%m%d-%H%M%S}-{verdict.name.lower()}.md"
    path.write_text(verdict.markdown(started), encoding="utf-8")


def _notification(verdict: Verdict, started: datetime) -> None:
    notify(f"Earshot retraining: {verdict.name}. {'; '.join(verdict.reasons)}")


def _page(verdict: Verdict, started: datetime) -> None:
    text = verdict.markdown(started)
    create_markdown_artifact(text, "verdict", "What became of the candidate, and why")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m flows.retrain", description=__doc__)
    parser.add_argument("--rollback", action="store_true", help="take back the newest promotion")
    parser.add_argument("--drop-folder")
    for name, default in asdict(Gate()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    given = vars(parser.parse_args())
    drop_folder = given.pop("drop_folder")
    rollback = given.pop("rollback")
    try:
        gate = Gate(**given)
        if rollback:
            print(f"the champion is {champion.rollback(PROJECT) or 'none'} now")
    except ValueError as error:
        sys.exit(str(error))
    if not rollback:
        terminal.run(retrain, gate, drop_folder)


if __name__ == "__main__":
    main()
