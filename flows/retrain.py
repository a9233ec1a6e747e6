"""Scheduled retraining: train a model on new data, and promote it only if it is better.

python -m flows.retrain [--margin 0.005] [--drop-folder FOLDER]      python -m flows.retrain --rollback [NAME]
"""

import argparse
import hashlib
import re
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import champion, champions, dvc_command, publication, retraining_clone, rollback, terminal
from flows.cancelled import end_with_run
from flows.candidacy import Candidacy
from flows.champion import Champion
from flows.dvc_command import HYPOTHESES, PROJECT
from flows.forms import HELP, OF_GATE
from flows.gate import Gate
from flows.git_command import git
from flows.record import Record
from flows.starter import starter

WORK = PROJECT / ".scratch" / "retrain"
CLONE = WORK / "clone"
JUDGED = WORK / "judged"  # the result of every candidate, by a hash of its inputs and gate


@flow(name="retrain", on_cancellation=[end_with_run])
def retrain(gate: Gate = Gate(), drop_folder: str | None = None) -> State:
    """Train on the newest data, and promote the model if it is better than the champion.

    It works in its own clone in .scratch/retrain, and ends as Promoted, Refused or NothingNew. A run that
    fails does not change the champion. The files of ``drop_folder`` are added to manifest.root.
    """
    began = time.monotonic()
    record = Record(started=datetime.now().isoformat(timespec="seconds"), started_by=starter())
    with dvc_command.only_run(WORK / dvc_command.LOCK.name, get_run_logger().info):
        candidacy = Candidacy(record, gate, None, CLONE)
        judged = None
        try:
            publication.publish_noted()
            judged = _judge(candidacy, Path(drop_folder) if drop_folder else None)
            record.seconds = time.monotonic() - began
            if record.name == "Promoted":
                publication.prepare(record, candidacy.exhibits)
                candidacy.tag()
        except Exception as error:  # noqa: BLE001 - every failure is published
            get_run_logger().debug("traceback of the failure", exc_info=True)
            record.name, record.reasons = "Failed", [str(error) or type(error).__name__]
            record.champion, record.seconds = record.before, time.monotonic() - began
        publication.leave_record(record, candidacy.exhibits)
        if judged and record.name != "Failed":
            _note(judged, record)
        publication.publish(record, candidacy.exhibits)
    if record.name == "Failed":
        return Failed(message=record.said)
    return Completed(name=record.name, message=record.said)


def _judge(candidacy: Candidacy, drop_folder: Path | None) -> Path | None:
    """Judge the candidate. Return the file for its result; None if the result is already known."""
    record, gate = candidacy.record, candidacy.gate
    before = candidacy.before = champion.newest(PROJECT)
    record.before = record.champion = before.tag if before else None
    judged = JUDGED / _digest(renew(drop_folder), gate)
    record.code = git("rev-parse", "HEAD", folder=PROJECT)
    if known := _known(judged, before):
        record.name, record.reasons = "NothingNew", [known]
        return None
    if before:
        gate.check_metric(champion.file(before.tag, HYPOTHESES, PROJECT))
    complaints = candidacy.look_at_data()
    if not complaints:
        candidacy.train()
    JUDGED.mkdir(parents=True, exist_ok=True)
    judged.with_suffix(".new").write_text(" " * 4096)  # a full disk must fail before the promotion
    if complaints:
        candidacy.refuse(complaints)
    else:
        candidacy.decide()
    return judged


def _note(judged: Path, record: Record) -> None:
    """Note the result after the record is written: if the run is killed before, the next one judges again."""
    said = record.reasons[0] if record.name == "NothingNew" else record.said  # other reasons may change
    noted = judged.with_suffix(".new")
    noted.write_text(f"judged on {record.when:%Y-%m-%d %H:%M}, {record.name}: {said}", encoding="utf-8")
    noted.replace(judged)


def _digest(fingerprint: str, gate: Gate) -> str:
    return hashlib.sha256(f"{fingerprint} {gate}".encode()).hexdigest()[:16]


@task(cache_policy=NO_CACHE)
def renew(drop_folder: Path | None) -> str:
    """Bring the clone up to date; return a fingerprint of the stages' inputs."""
    WORK.mkdir(parents=True, exist_ok=True)
    return retraining_clone.renew(CLONE, PROJECT, drop_folder)


def _known(judged: Path, before: Champion | None) -> str:
    """The earlier result of the same candidate, and the champion now; empty if it must be judged.

    A candidate that was the champion and was rolled back is not judged again. A refused one is, once the
    champion is another model.
    """
    if not judged.exists():
        return ""
    said = judged.read_text(encoding="utf-8")
    kept_off = re.search(rf"({champion.PREFIX}\d+) stays$", said)
    if kept_off and champion.fate(champion.model_of(kept_off[1], PROJECT), PROJECT):
        return ""
    was = re.search(rf"(?:Promoted:|what comes out is|the result is) ({champion.PREFIX}\d+)", said)
    since = champion.fate(was[1], PROJECT) if was else ""
    now = f"the champion is {before}" if before else "there is no champion"
    said = said.replace(" is the champion now", " became the champion")
    return "; ".join(filter(None, [f"{said} (remove {judged} to judge it again)", since, now]))


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m flows.retrain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--rollback", nargs="?", const="", metavar="NAME",
        help="make the previous champion, or the given one, the champion again",
    )  # fmt: skip
    made.add_argument("--drop-folder", metavar="FOLDER", help=HELP["drop_folder"])
    for name, default in asdict(Gate()).items():
        kind, text = type(default), f"{OF_GATE[name]} (default: {default})"
        made.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default, help=text)
    return made


def main() -> None:
    given = vars(_parser().parse_args())
    drop_folder, chosen = given.pop("drop_folder"), given.pop("rollback")
    try:
        gate = Gate(**given)
        if chosen is not None:
            print(rollback.roll_back(chosen).reasons[0])
            print(f"all champions: {champions.write(champions.found_in(PROJECT), PROJECT)}")
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))
    if chosen is None:
        terminal.run(retrain, gate, drop_folder, lost=publication.publish_lost)


if __name__ == "__main__":
    main()
