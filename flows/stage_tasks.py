"""Run DVC stages as Prefect tasks, one after the other, and summarize their states."""

import re
import time
from collections import deque
from pathlib import Path
from typing import Any

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import dvc_command, run_page, scoring, tracked_outputs, unreached

UNCHANGED, CACHED, RAN = "Unchanged", "Cached", "Ran"
NOTHING_NEW = "no input has changed"
MADE = {CACHED, RAN}  # after these, the next stages have new inputs
KILLED = re.compile(r"exited with (-9|137)$")
NUM_REASONS = 4
NUM_LAST = 8  # lines to show if a stage ended without a message
DVC_FAILED = re.compile("ERROR: failed to reproduce ")
DVC_ADVICE = re.compile(r"To (track|enable) .*:$|\s+(git add|dvc config) |Use `dvc push`|\s*$")


class StageFailed(RuntimeError):
    """A stage ended with an error; the message is the end of what it printed."""


class StageKilled(StageFailed):
    """A stage was killed from outside: a retry continues a training from its last epoch."""


def can_help(task: Task[..., Any], task_run: TaskRun, state: State) -> bool:
    """Retry if another dvc command was running or the stage was killed, but not after an error."""
    return isinstance(state.result(raise_on_failure=False), dvc_command.Busy | StageKilled)


patient = task(
    retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=can_help, cache_policy=NO_CACHE
)


@patient
def look(folder: Path) -> tuple[dvc_command.Graph, dvc_command.Changes]:
    """The stages, and which of them have changed."""
    return dvc_command.overview(folder)


@patient
def stage(name: str, why: str, folder: Path, force: bool, upstream: list[State]) -> State:
    """Bring one stage up to date; ``why`` is what changed, empty if nothing did."""
    if not why:
        return Completed(name=UNCHANGED, message=NOTHING_NEW)
    logger, progress, started = get_run_logger(), run_page.Progress(), time.monotonic()
    printed: deque[str] = deque(maxlen=2000)

    def on_line(line: str) -> None:
        if DVC_ADVICE.match(line):
            return
        logger.info(line)
        printed.append(line)
        progress.follow(line)

    arguments = ("repro", "-s", *(["-f"] if force else []), name)
    with tracked_outputs.kept(folder, name):
        failed = dvc_command.run(*arguments, folder=folder, on_line=on_line)
    if failed:
        raise _failure(name, list(printed))
    seconds = time.monotonic() - started
    return Completed(name=_outcome("\n".join(printed)), message=f"{why}; {seconds:.1f} s")


def _outcome(printed: str) -> str:
    if "is cached - skipping run" in printed:
        return CACHED
    return RAN if re.search(r"Running stage '|Verifying data sources", printed) else UNCHANGED


def _failure(name: str, lines: list[str]) -> Exception:
    last = "\n".join(lines[-NUM_LAST:])
    if dvc_command.BUSY in last:
        return dvc_command.Busy(last)
    killed = any(KILLED.search(line) for line in lines[-3:])
    return (StageKilled if killed else StageFailed)(_complaint(name, lines))


def _complaint(name: str, lines: list[str]) -> str:
    """The stage's own message at the end, without DVC's lines; else the last lines of the output."""
    begins = [place for place, line in enumerate(lines) if line.startswith(f"{name}: ")]
    if not begins:
        return "\n".join([f"{name}:", *lines[-NUM_LAST:]])
    return "\n".join(line for line in lines[begins[-1] :] if line.strip() and not DVC_FAILED.match(line))


def run_stages(
    folder: Path,
    targets: list[str] | None = None,
    *,
    force: bool = False,
    alone: bool = False,
    timeout_seconds: float | None = None,
) -> dict[str, State]:
    """Run the targets and their dependencies (``alone``: only the targets) in graph order; return the states.

    Tasks are called one after the other in the main thread, so that a cancelled run ends immediately.
    """
    graph, changed = look(folder)
    states: dict[str, State] = {}
    for name in selected(graph, targets or [], alone):
        above = [before for before in graph[name] if before in states]
        if kept_off := [before for before in above if not states[before].is_completed()]:
            states |= unreached.end([name], kept_off[0])
            continue
        reasons = ["forced"] if force else list(changed.get(name, []))
        reasons += [f"{before} {states[before].name}" for before in above if states[before].name in MADE]
        run = stage.with_options(name=name, task_run_name=name, timeout_seconds=timeout_seconds)
        states[name] = run(
            name, _brief(reasons), folder, force, [states[before] for before in above], return_state=True
        )
    return states


def _brief(reasons: list[str]) -> str:
    more = len(reasons) - NUM_REASONS
    return ", ".join([*reasons[:NUM_REASONS], *([f"and {more} more"] if more > 0 else [])])


def selected(graph: dvc_command.Graph, targets: list[str], alone: bool = False) -> list[str]:
    """The targets and their dependencies (``alone``: only the targets), in graph order; default: all."""
    wanted = set(targets or graph)
    for name in () if alone else reversed(graph):
        if name in wanted:
            wanted |= set(graph[name])
    return [name for name in graph if name in wanted]


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE)
def score(split: str, recipe: str | None, overrides: list[str]) -> State:
    """Score the trained model on a split."""
    printed: deque[str] = deque(maxlen=2000)

    def on_line(line: str) -> None:
        get_run_logger().info(line)
        printed.append(line)

    if scoring.score(dvc_command.PROJECT, split, recipe, overrides, on_line):
        raise _failure("evaluate", list(printed))
    return Completed(name=RAN, message=f"on the {split} split")


def up_to_date(states: dict[str, State]) -> set[str]:
    return {name for name, state in states.items() if state.is_completed()}


def outcome(states: dict[str, State]) -> State:
    """The state of the complete run."""
    text = ", ".join(f"{name} {state.name}" for name, state in states.items())
    failed = [reason(state) for state in states.values() if state.is_failed()]
    return Failed(message="\n".join([*failed, text])) if failed else Completed(message=text)


def reason(failed: State) -> str:
    """Why a task failed, without the text that Prefect adds."""
    error = failed.result(raise_on_failure=False)
    return str(error) if isinstance(error, StageFailed) else str(failed.message)


def summary(folder: Path, states: dict[str, State]) -> list[str]:
    """The states of the stages with reasons, and the metrics."""
    lines = summary_of(states)
    if "evaluate" in up_to_date(states):
        rows = run_page.metrics_table(folder)
        for name, *values in (list(rows[0]), *(row.values() for row in rows)):
            lines.append(f"{name:36} " + "  ".join(f"{value!s:>13}" for value in values))
    return lines


def summary_of(states: dict[str, State]) -> list[str]:
    """The states of the stages with reasons."""
    width = max(map(len, states), default=0)
    return [f"{name:{width}}  {state.name:9}  {state.message or ''}" for name, state in states.items()]
