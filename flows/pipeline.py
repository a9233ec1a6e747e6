"""The pipeline as a Prefect flow, one task for each DVC stage.

python -m flows.pipeline [--recipe NAME] [-S KEY=VALUE ...] [--mode val] [--experiment NAME] [STAGE ...]
"""

import argparse
import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from prefect import State, Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed
from pydantic import PositiveFloat

from flows import dvc_command, git_command, params_file, run_page, scoring, terminal
from flows.dvc_command import PROJECT

UNCHANGED, CACHED, RAN = "Unchanged", "Cached", "Ran"
NOTHING_NEW = "nothing that it reads has changed"
MADE = {CACHED, RAN}  # after which what comes next has something new to read
KILLED = re.compile(r"exited with (-9|137)$")
Mode = Literal["train", "val", "test"]
NUM_REASONS = 4
DVC_ADVICE = re.compile(r"To (track|enable) .*:$|\s+(git add|dvc config) |Use `dvc push`|\s*$")


class StageFailed(RuntimeError):
    """A stage ended with an error; the message is the end of what it printed."""


class StageKilled(StageFailed):
    """A stage was killed from outside: a training goes on from its last epoch when it is tried again."""


def can_help(task: Task[..., Any], task_run: TaskRun, state: State) -> bool:
    """Trying again helps when another dvc was at work, or the stage was killed; never against an error."""
    return isinstance(state.result(raise_on_failure=False), dvc_command.Busy | StageKilled)


patient = task(
    retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=can_help, cache_policy=NO_CACHE
)


@patient
def look(folder: Path) -> tuple[dvc_command.Graph, dvc_command.Changes]:
    """Which stages there are, and which of them have changed."""
    return dvc_command.overview(folder)


@patient
def stage(name: str, why: str, folder: Path, force: bool, upstream: list[State]) -> State:
    """Bring one stage up to date; ``why`` says what changed, and is empty when nothing did."""
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

    failed = dvc_command.run("repro", "-s", *(["-f"] if force else []), name, folder=folder, on_line=on_line)
    if failed:
        raise _failure(name, list(printed))
    seconds = time.monotonic() - started
    return Completed(name=_outcome("\n".join(printed)), message=f"{why}; {seconds:.1f} s")


def _outcome(printed: str) -> str:
    if "is cached - skipping run" in printed:
        return CACHED
    return RAN if re.search(r"Running stage '|Verifying data sources", printed) else UNCHANGED


def _failure(name: str, lines: list[str]) -> Exception:
    last = "\n".join(lines[-8:])
    if dvc_command.BUSY in last:
        return dvc_command.Busy(last)
    killed = any(KILLED.search(line) for line in lines[-3:])
    return (StageKilled if killed else StageFailed)(f"{name}: {last}")


def run_stages(
    folder: Path,
    targets: list[str] | None = None,
    *,
    force: bool = False,
    timeout_seconds: float | None = None,
) -> dict[str, State]:
    """The states of every stage that the targets need, run in graph order.

    Tasks are called one after the other in the main thread, so that a cancelled run ends at once.
    """
    graph, changed = look(folder)
    states: dict[str, State] = {}
    for name in _selected(graph, targets or []):
        above = [before for before in graph[name] if before in states]
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


def _selected(graph: dvc_command.Graph, targets: list[str]) -> list[str]:
    wanted = set(targets or graph)
    for name in reversed(graph):
        if name in wanted:
            wanted |= set(graph[name])
    return [name for name in graph if name in wanted]


@flow(name="pipeline")
def pipeline(
    recipe: str | None = None,
    overrides: list[str] | None = None,
    targets: list[str] | None = None,
    force: bool = False,
    mode: Mode = "train",
    experiment: str | None = None,
    stage_timeout_seconds: PositiveFloat | None = None,
    push: bool = False,
) -> State:
    """Bring the pipeline up to date and show what came out.

    ``recipe``: a name from flows/recipes, to be params.yaml. ``overrides``: as dvc's -S, lr=1e-4.
    ``targets``: stages to run with all that they need (all stages). ``force``: run what has not changed, too.
    ``mode``: train runs the pipeline, val and test only score the model that is there on that split. They
    leave params.yaml and the tracked metrics alone, and refuse params that are not what was trained.
    ``experiment``: save what came out as the DVC experiment of this name. ``push``: send the data, the
    models and the run cache to the dvc remote, and the experiment to git's origin.
    """
    try:
        with dvc_command.only_run(PROJECT / dvc_command.LOCK, get_run_logger().info):
            _refuse_early(targets or [], mode, experiment)
            if mode in scoring.SPLITS:
                return _score(scoring.SPLITS[mode], recipe, overrides or [], stage_timeout_seconds)
            for said in params_file.prepare(PROJECT, recipe, overrides or []):
                get_run_logger().info(said)
            states = run_stages(PROJECT, targets, force=force, timeout_seconds=stage_timeout_seconds)
            return _conclude(states, experiment, push)
    except (ValueError, RuntimeError) as error:
        return Failed(message=str(error))


def _refuse_early(targets: list[str], mode: Mode, experiment: str | None) -> None:
    """What would otherwise come out when params.yaml is changed already, or after all stages ran."""
    stages = list(params_file.read_yaml(PROJECT / "dvc.yaml")["stages"])
    if unknown := [name for name in targets if name not in stages and not (PROJECT / name).is_file()]:
        raise ValueError(f"no stage {', '.join(unknown)}; there are {', '.join(stages)}")
    if targets and mode in scoring.SPLITS:
        raise ValueError(f"mode {mode} runs evaluate alone: name no stages, or choose mode train")
    if experiment and experiment in git_command.experiments(PROJECT):
        raise ValueError(f"there is an experiment {experiment!r} already; choose another name")
    if experiment and not git_command.is_name(experiment, PROJECT):
        raise ValueError(f"{experiment!r} cannot be an experiment's name; use letters, digits and hyphens")


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE)
def score(split: str, recipe: str | None, overrides: list[str]) -> State:
    """Score the model that is there on a split."""
    printed: deque[str] = deque(maxlen=2000)

    def on_line(line: str) -> None:
        get_run_logger().info(line)
        printed.append(line)

    if scoring.score(PROJECT, split, recipe, overrides, on_line):
        raise _failure("evaluate", list(printed))
    return Completed(name=RAN, message=f"on the {split} split")


def _score(split: str, recipe: str | None, overrides: list[str], timeout_seconds: float | None) -> State:
    run = score.with_options(timeout_seconds=timeout_seconds)
    states = {"evaluate": run(split, recipe, overrides, return_state=True)}
    if up_to_date(states):
        run_page.make_all([run_page.show_scores], PROJECT, split)
    for line in summary_of(states):
        get_run_logger().info(line)
    return outcome(states)


def _conclude(states: dict[str, State], experiment: str | None, push: bool) -> State:
    """Show what came out, and keep it if nothing failed."""
    logger, ended = get_run_logger(), outcome(states)
    run_page.show(PROJECT, up_to_date(states))
    for line in summary(PROJECT, states):
        logger.info(line)
    for command in _keep(experiment, push) if ended.is_completed() else ():
        logger.info(dvc_command.answer(*command, folder=PROJECT).strip())
    return ended


def _keep(experiment: str | None, push: bool) -> Iterator[tuple[str, ...]]:
    """The dvc commands that make what came out last, and known elsewhere."""
    if experiment:
        yield "exp", "save", "-n", experiment
    if push:
        yield "push", "--run-cache"
    if experiment and push:
        yield "exp", "push", "origin", experiment


def nothing_to_do(targets: list[str]) -> list[str]:
    """The summary of a run in which nothing would run; none if something would, or has to be refused.

    Of such a run nobody needs a page, and the server for one takes ten times as long.
    """
    try:
        with dvc_command.only_run(PROJECT / dvc_command.LOCK):
            _refuse_early(targets, "train", None)
            params_file.check(PROJECT)
            graph, changed = dvc_command.overview(PROJECT)
    except (ValueError, RuntimeError):
        return []
    names = _selected(graph, targets)
    if any(name in changed for name in names):
        return []
    return summary(PROJECT, dict.fromkeys(names, Completed(name=UNCHANGED, message=NOTHING_NEW)))


def up_to_date(states: dict[str, State]) -> set[str]:
    return {name for name, state in states.items() if state.is_completed()}


def outcome(states: dict[str, State]) -> State:
    """Of a whole run."""
    said = ", ".join(f"{name} {state.name}" for name, state in states.items())
    failed = [f"{state.message}" for state in states.values() if state.is_failed()]
    return Failed(message=f"{said}\n" + "\n".join(failed)) if failed else Completed(message=said)


def summary(folder: Path, states: dict[str, State]) -> list[str]:
    """What ran, what did not and why, and the metrics."""
    lines = summary_of(states)
    if "evaluate" in up_to_date(states):
        rows = run_page.metrics_table(folder)
        for name, *values in (list(rows[0]), *(row.values() for row in rows)):
            lines.append(f"{name:36} " + "  ".join(f"{value!s:>13}" for value in values))
    return lines


def summary_of(states: dict[str, State]) -> list[str]:
    """What ran, what did not and why."""
    width = max(map(len, states), default=0)
    return [f"{name:{width}}  {state.name:9}  {state.message or ''}" for name, state in states.items()]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m flows.pipeline",
        description=pipeline.fn.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "targets", nargs="*", metavar="STAGE", help="and what they need; all stages by default"
    )
    parser.add_argument("--recipe")
    parser.add_argument("-S", "--set", dest="overrides", action="append", metavar="KEY=VALUE")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("--mode", choices=["train", "val", "test"], default="train")
    parser.add_argument("--experiment", metavar="NAME")
    parser.add_argument("--stage-timeout-seconds", type=float)
    parser.add_argument("--push", action="store_true", help="to the dvc remote and git's origin")
    given = vars(parser.parse_args())
    asks_no_more = given == {**vars(parser.parse_args([])), "targets": given["targets"]}
    if asks_no_more and not PREFECT_API_URL.value() and (lines := nothing_to_do(given["targets"])):
        print("\n".join(lines))
        return
    terminal.run(pipeline, **given)


if __name__ == "__main__":
    main()
