"""Which process of which machine each run of make ui has: what is left of a run that is killed."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

NOTES = Path(__file__).parents[1] / ".scratch" / "runs"
SAME_START_SECONDS = 1.0


@dataclass(frozen=True)
class RunProcess:
    """``started``, in seconds since 1970, tells it from a later process of the same number."""

    host: str
    number: int
    started: float

    def is_gone(self) -> bool:
        """Of another machine's process nothing is known."""
        if self.host != platform.node():
            return False
        try:
            process = psutil.Process(self.number)
            ended = process.status() == psutil.STATUS_ZOMBIE
            return ended or abs(process.create_time() - self.started) > SAME_START_SECONDS
        except psutil.NoSuchProcess:
            return True


def note(run: str) -> None:
    """This process is the run's."""
    NOTES.mkdir(parents=True, exist_ok=True)
    mine = RunProcess(platform.node(), os.getpid(), psutil.Process().create_time())
    new = NOTES / f"{run}.new"
    new.write_text(json.dumps(asdict(mine)), encoding="utf-8")
    new.replace(path_of(run))


def noted() -> dict[str, RunProcess]:
    """By run."""
    return {
        path.stem: RunProcess(**json.loads(path.read_text(encoding="utf-8"))) for path in NOTES.glob("*.json")
    }


def path_of(run: str) -> Path:
    return NOTES / f"{run}.json"
