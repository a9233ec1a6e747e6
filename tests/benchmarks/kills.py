"""Kill make ui repeatedly while it retrains, and check that the next run completes and champions are valid.

python -m tests.benchmarks.kills [--times 20] [--seed 0] [--cron "* * * * *"] [--folder FOLDER]

A project with fast stages retrains by a schedule. Every round makes a candidate that is better or worse than
the champion. At a random moment of the retraining it kills (SIGKILL) make ui alone, all of its processes, the
one that serves the flows, or that of the run, and restarts make ui if it ended. Then the next scheduled run
must complete, nothing may be left over, and every champion's tag must have the record of a promotion and a
lower error rate than the one before. Faults are printed and give exit code 1.

FOLDER is kept for inspection.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.killed_ui import VICTIMS, KilledUI

from dvc_project import Project, make_project  # isort: skip

MAX_EPOCHS = 40  # four seconds
NUM_RECORDINGS = 256  # in the smoke recipe
RETRAINING_SECONDS = (25.0, 60.0)  # initial and largest value, to choose the moment of a kill
BEGINNING = timedelta(seconds=30)  # until a run's process starts, on a busy machine
ENDING = timedelta(seconds=2)
LASTS_SECONDS = 10.0  # a condition that lasts longer is a fault
WORST_RATE = 0.95
UNDER_WAY = {"PENDING", "RUNNING"}


class Rounds:
    """``faults``: the faults found so far."""

    def __init__(self, project: Project, ui: KilledUI, generator: random.Random) -> None:
        self.project, self.ui, self.random = project, ui, generator
        self.rate, self.seconds = WORST_RATE, RETRAINING_SECONDS[0]
        self.faults: list[str] = []

    def round(self, victim: str) -> None:
        before = datetime.now(UTC)
        self._new_candidate()
        run = self.ui.wait(lambda: self._first(before))
        seconds = self.random.uniform(0, self.seconds)
        time.sleep(seconds)
        at_work = ", ".join(sorted(self.ui.at_work())) or "nothing"
        print(f"{victim}, {seconds:.1f} s after the start of a run, at work: {at_work}", flush=True)
        known = {run["id"] for run in self.ui.runs() if run["state_type"] != "SCHEDULED"}
        killed = datetime.now(UTC)
        try:
            self.ui.kill(victim)
        except RuntimeError as error:
            self._fault(str(error))
        self._next_run(killed, known)
        champion = (self._champions() or ["no champion"])[-1]
        print(f"  the run is {self.ui.run(run['id'])['state_name']}; {champion}", flush=True)
        if found := set(self._found(killed)):
            time.sleep(LASTS_SECONDS)
            for fault in sorted(found & set(self._found(killed))):
                self._fault(fault)

    def _found(self, killed: datetime) -> Iterator[str]:
        """What is wrong now, including what the next run is about to fix."""
        yield from self._refused(killed)
        yield from self._left_over()
        yield from self._untold()

    def _fault(self, text: str) -> None:
        self.faults.append(text)
        print(f"  FAULT: {text}", flush=True)

    def _new_candidate(self) -> None:
        """Two of three are better. tests/light_stages/train.py computes the error rate from lr."""
        better = self.random.random() < 2 / 3
        rate = self.rate * (self.random.uniform(0.85, 0.95) if better else self.random.uniform(1.01, 1.05))
        self.rate = min(self.rate, rate)
        self.project.set({"lr": (1 / rate - 1) / (NUM_RECORDINGS * MAX_EPOCHS)})
        self.project.commit()

    def _first(self, after: datetime) -> dict[str, Any] | None:
        """The current run, if it was due after this time."""
        under_way = [run for run in self.ui.runs() if run["state_type"] in UNDER_WAY]
        return next((run for run in under_way if moment(run["expected_start_time"]) > after), None)

    def _begun(self) -> list[dict[str, Any]]:
        """The runs that started."""
        return [run for run in self.ui.runs() if run["start_time"] and run["state_type"] != "CANCELLED"]

    def _next_run(self, killed: datetime, known: set[str]) -> None:
        """Check that the first run without a process starts automatically and completes."""
        run = self.ui.wait(lambda: next((run for run in self._begun() if run["id"] not in known), None))
        self.ui.wait(lambda: self.ui.run(run["id"])["state_type"] not in UNDER_WAY)
        ended = self.ui.run(run["id"])
        seconds = (moment(ended["end_time"]) - begin(ended)).total_seconds()
        self.seconds = min(max(seconds, 0.9 * self.seconds), RETRAINING_SECONDS[1])
        due = (moment(run["expected_start_time"]) - killed).total_seconds()
        print(
            f"  the next, due {due:.0f} s later, is {ended['state_name']} after {seconds:.0f} s", flush=True
        )
        if ended["state_type"] != "COMPLETED" or not ended["auto_scheduled"]:
            self._fault(f"the next run: {ended['state']['message']}")

    def _refused(self, killed: datetime) -> Iterator[str]:
        """Runs that were refused although no other run was in progress or starting."""
        for run in self.ui.runs():
            at, message = moment(run["state"]["timestamp"]), run["state"]["message"] or ""
            if run["state_type"] != "CANCELLED" or at < killed or message.startswith("missed"):
                continue
            if not any(holds_slot(other, at) for other in self._begun()):
                yield f"the run due {run['expected_start_time']} was refused at {at}: {message}"

    def _left_over(self) -> Iterator[str]:
        """Processes, runs and locks that are left over."""
        yield from (f"left running: {process}" for process in self.ui.strangers())
        running = [run["name"] for run in self.ui.runs() if run["state_type"] == "RUNNING"]
        if len(running) > 1:
            yield f"to the server these run at one time: {running}"
        for folder in ("", ".scratch/retrain/clone/"):
            yield from (str(path) for path in self.project.folder.glob(f"{folder}.git/**/*.lock"))

    def _champions(self) -> list[str]:
        return self.project.run("git", "tag", "--list", "champion/*").split()

    def _untold(self) -> Iterator[str]:
        """Champions without a promotion record or worse than the one before, and records without a tag."""
        folder, last = self.project.folder / "artifacts" / "logs" / "retrain", 1.0
        texts = [path.with_suffix("") / "record.json" for path in sorted(folder.glob("*-promoted.md"))]
        records = [json.loads(path.read_text()) for path in texts]
        tags = self._champions()
        for tag in tags:
            commit = self.project.run("git", "rev-parse", f"{tag}^{{commit}}").strip()
            told = [record["commit"] for record in records if record["champion"] == tag]
            if told != [commit]:
                yield f"{tag} is {commit}, and its records tell of {told}"
            measured = self.project.run("git", "show", f"{tag}:artifacts/evaluate/metrics.json")
            if (rate := json.loads(measured)["wer"]) >= last:
                yield f"{tag} has an error rate of {rate}, and the one before it {last}"
            last = rate
        if invented := {record["champion"] for record in records} - set(tags):
            yield f"promotions that were recorded, and never were: {sorted(invented)}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def begin(run: dict[str, Any]) -> datetime:
    return moment(run["start_time"])


def holds_slot(run: dict[str, Any], at: datetime) -> bool:
    """From before its process starts until shortly after its end."""
    ended = run["end_time"] and moment(run["end_time"]) + ENDING < at
    return not ended and begin(run) - BEGINNING <= at


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments, victims and candidates")
    parser.add_argument("--cron", default="* * * * *", help="schedule of the retraining, in UTC")
    parser.add_argument("--folder", type=Path, help="a new folder for the project")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    project = make_project(folder.resolve() / "project", MAX_EPOCHS, light=True)
    generator = random.Random(given.seed)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(given.times)]
    generator.shuffle(victims)
    ui = KilledUI(project, given.cron)
    rounds = Rounds(project, ui, generator)
    try:
        for number, victim in enumerate(victims, 1):
            print(f"{number}: ", end="")
            rounds.round(victim)
    finally:
        ui.stop()
    if left := project.processes():
        rounds.faults.append(f"left running after the end: {left}")
    kinds = dict(sorted(Counter(victims).items()))
    print(f"{given.times} kills in {folder}, {kinds}: {len(rounds.faults)} faults")
    print("\n".join(rounds.faults))
    return 1 if rounds.faults else 0


if __name__ == "__main__":
    sys.exit(main())
