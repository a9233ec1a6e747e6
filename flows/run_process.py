"""Notes of the process and machine of each run of make ui, by which killed runs are found."""

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
    """``started``, in seconds since 1970, distinguishes it from a later process with the same number."""

    host: str
    number: int
    started: float

    def is_gone(self) -> bool:
        """Whether it has ended; False for a process of another machine."""
        if self.host != platform.node():
            return False
        try:
            process = psutil.Process(self.number)
            ended = process.status() == psutil.STATUS_ZOMBIE
            return ended or abs(process.create_time() - self.started) > SAME_START_SECONDS
        except psutil.NoSuchProcess:
            return True


def note(run: str) -> None:
    """Note this process as the run's."""
    NOTES.mkdir(parents=True, exist_ok=True)
    mine = RunProcess(platform.node(), os.getpid(), psutil.Process().create_time())
    new = NOTES / f"{run}.new"
    new.write_text(json.dumps(asdict(mine)), encoding="utf-8")
    new.replace(path_of(run))


def noted() -> dict[str, RunProcess]:
    """The noted processes by run."""
    return {
        path.stem: RunProcess(**json.loads(path.read_text(encoding="utf-8"))) for path in NOTES.glob("*.json")
    }


def path_of(run: str) -> Path:
    return NOTES / f"{run}.json"
