"""A make ui with scheduled retraining, its processes to kill, and its runs on the server."""

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests import modules from there

from dvc_project import Project
from served_flows import start_serving

from flows.tied import STARTER

UI, ALL, SERVING, RUN = VICTIMS = ("make ui alone", "all at once", "what serves", "the run")
PATIENCE_SECONDS = 600.0  # on a busy machine
END_SECONDS = 20.0
AHEAD = timedelta(seconds=15)  # Prefect starts a run's process ten seconds early
SERVED = "Your deployments are being served"
PROGRAM = re.compile(r"(?:dvc|stages\.\w[.\w]*|prefect\.\w+)( --wait-for-lock)?( [a-z]+)?")


class KilledUI:
    """``cron``: the schedule of the retraining."""

    def __init__(self, project: Project, cron: str) -> None:
        self.project, self.options = project, ("--cron", cron, "--timezone", "UTC")
        self.start()

    def start(self) -> None:
        self.server = start_serving(self.project, *self.options)
        self.process = psutil.Process(self.server.process.pid)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.server.process.terminate()
        self.server.process.wait(timeout=60)

    def kill(self, victim: str) -> None:
        """Kill the victim, and restart what does not restart automatically; RuntimeError if that is wrong."""
        serving, run = self.serving(), self.run_processes()[:1]
        chosen = {UI: [self.process], SERVING: serving, RUN: run}
        served = self.project.log().count(SERVED)
        if not chosen.get(victim):  # the victim has just ended
            victim, chosen[ALL] = ALL, [self.process, *self.process.children(recursive=True)]
        for process in chosen[victim]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if victim == SERVING:  # make ui restarts it, except right after its start
            self._wait(lambda: self._ended() or self.project.log().count(SERVED) > served)
        if victim in (UI, ALL) or self._ended():
            self._start_again(victim)

    def _start_again(self, victim: str) -> None:
        self.server.process.wait()
        said = self.project.log()
        left = psutil.wait_procs(self.project.processes(), timeout=END_SECONDS)[1]
        self.start()
        if victim == RUN or (victim == SERVING and "was killed (SIGKILL) right after" not in said):
            raise RuntimeError(f"make ui ended with {victim}:\n{said[-2000:]}")
        if left:
            raise RuntimeError(f"still running after the end of {victim}: {left}")

    def _ended(self) -> bool:
        return self.server.process.poll() is not None

    def serving(self) -> list[psutil.Process]:
        children = self.process.children()
        return [process for process in children if "flows.serving" in process.cmdline()]

    def run_processes(self) -> list[psutil.Process]:
        """The processes of the current run, its own first."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for serving in self.serving() for child in serving.children(recursive=True)]
        return []

    def at_work(self) -> set[str]:
        """The programs of the current run."""
        found = set()
        for process in self.run_processes():
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline()).replace(STARTER, "")
                program = PROGRAM.search(command)
                found.add(program[0] if program else process.name())
        return found

    def strangers(self) -> Iterator[psutil.Process]:
        """Processes of the project that do not belong to the running make ui."""
        for process in self.project.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if self.process not in (process, *process.parents()):
                    yield process

    def runs(self) -> list[dict[str, Any]]:
        """Runs of the retraining that are due or have a process, oldest first."""
        named = {"name": {"any_": ["nightly"]}}
        due = {"expected_start_time": {"before_": (datetime.now(UTC) + AHEAD).isoformat()}}
        found: list[dict[str, Any]] = self.server.ask(
            "flow_runs/filter", deployments=named, flow_runs=due, sort="EXPECTED_START_TIME_DESC", limit=50
        )
        return found[::-1]

    def run(self, id: str) -> dict[str, Any]:
        return next(run for run in self.runs() if run["id"] == id)

    def wait(self, found: Callable[[], Any]) -> Any:
        """Wait for a condition; exit with the output of make ui if it ends or the condition stays false."""
        answer = self._wait(lambda: self._ended() or found())
        if self._ended():
            sys.exit(f"make ui ended:\n{self.project.log()[-4000:]}")
        return answer

    def _wait(self, found: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answer := found()):
            if time.monotonic() > deadline:
                sys.exit(f"nothing came in {PATIENCE_SECONDS:g} s:\n{self.project.log()[-4000:]}")
            time.sleep(0.2)
        return answer
