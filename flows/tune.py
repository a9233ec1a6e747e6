"""Search for better values in params.yaml with Optuna; every trial is a DVC experiment.

python -m flows.tune flows/search.yaml [--no-apply]
"""

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import dvc_command, terminal, trials, tune_page
from flows.cancelled import end_with_run
from flows.dvc_command import PROJECT
from flows.git_command import experiments
from flows.params_file import read_yaml
from flows.search_space import Search, impossible, misplaced, read_search, refuse
from flows.study import (
    Measured,
    Proposal,
    RunBatch,
    TrialFailed,
    best_trial,
    counted,
    name_of,
    open_study,
    run_trials,
    waiting,
)

if TYPE_CHECKING:
    from optuna import Study


@task(task_run_name="{proposal.name}", cache_policy=NO_CACHE)
def trial(proposal: Proposal, search: Search, folder: Path, copy: Path, stopped: threading.Event) -> Measured:
    """Train and evaluate with the proposed values."""
    if stopped.is_set():
        raise TrialFailed("stopped")
    logger = get_run_logger()
    logger.info("%s: %s", proposal.name, tune_page.spelled(proposal.values))
    measured = trials.run_trial(proposal, search, folder, copy, logger.info)
    logger.info("%s: %s %.6g in epoch %d", proposal.name, search.metric, measured.value, measured.epoch)
    return measured


@flow(name="tune", task_runner=ThreadPoolTaskRunner(), on_cancellation=[end_with_run])  # type: ignore[arg-type]
def tune(search: Search, apply_winner: bool = True) -> State:
    """Search for the values of params.yaml that give the best metric.

    ``search``: as in flows/search.yaml. ``apply_winner``: apply the best trial's params and results to the
    working tree at the end, unless tracked files were edited since the study began.
    """
    logger = get_run_logger()
    try:
        with only_search(search, PROJECT):
            study = prepare(search, PROJECT, logger.info)
            with shared_cores(search.parallel_trials):
                run_trials(study, search, in_tasks(search, PROJECT))
            tune_page.show(study, search)
            for line in tune_page.table(study, search):
                logger.info(line)
            best = best_trial(study)
            if not best:
                return Failed(message="\n".join(["no trial has a result", *tune_page.reasons(study, search)]))
            winner = name_of(search, best.number)
            for line in finish(search, winner, PROJECT, apply_winner):
                logger.info(line)
    except (ValueError, RuntimeError) as error:
        return Failed(message=str(error))
    return Completed(message=f"{winner}: {search.metric} {best.value:.6g}, {tune_page.spelled(best.params)}")


@contextlib.contextmanager
def only_search(search: Search, folder: Path) -> Iterator[None]:
    """Allow one search of a study at a time."""
    path = folder / ".scratch" / "tune" / f"{search.study}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, blocking=False):
            yield
    except Timeout as error:
        raise ValueError(f"a search of study {search.study!r} is in progress ({path})") from error


def prepare(search: Search, folder: Path, say: dvc_command.Line) -> "Study":
    """Open the study and copy the project for its trials; ValueError if no trial could run."""
    scratch = folder / ".scratch" / "tune"
    study = open_study(search, scratch / f"{search.study}.db")
    begun = counted(study)
    mine = {trial.number for trial in begun}
    ahead = {name_of(search, number) for number in range(search.n_trials) if number not in mine}
    if names := sorted(ahead & experiments(folder).keys()):
        raise ValueError(
            f"experiments with the names of new trials of study {search.study!r} already exist: choose "
            f"another name, or `dvc exp remove {' '.join(names)}`"
        )
    began = trials.began_with(search.study, folder) if begun else None
    if not began:
        trials.begin(search.study, folder)
    elif began != trials.state_of(folder):
        say(
            f"the project has changed since study {search.study!r} began; its trials continue with the state "
            f"from then (git diff refs/tune/{search.study})"
        )
    if begun:
        done = len(begun) - len(waiting(study))
        say(f"study {search.study!r} continues: {done} of {search.n_trials} trials done")
    copy = scratch / search.study
    trials.copy_project(search.study, folder, copy)
    params = read_yaml(copy / "params.yaml")
    unseen = trials.untracked(params, folder) + trials.edited_data(folder)
    refuse(misplaced(search.search_spaces, params) + unseen, "the search")
    if not begun and (problems := impossible(search, params, copy)):
        refuse(problems + trials.untracked_code(folder), "the search")
    return study


def in_tasks(search: Search, folder: Path) -> RunBatch:
    """Run trials as Prefect tasks: a single one in the main thread, several in threads."""
    stopped = threading.Event()
    copy = folder / ".scratch" / "tune" / search.study

    def run_batch(batch: list[Proposal]) -> list[Measured | TrialFailed]:
        if len(batch) == 1:
            return [_outcome(trial(batch[0], search, folder, copy, stopped, return_state=True))]
        futures = [trial.submit(proposal, search, folder, copy, stopped) for proposal in batch]
        try:
            for future in futures:
                future.wait()
        except BaseException:  # a stopped flow waits for its threads, which wait for their trainings
            stopped.set()
            dvc_command.end_all()
            raise
        return [_outcome(future.state) for future in futures]

    return run_batch


def _outcome(state: State) -> Measured | TrialFailed:
    """The outcome of a trial's task; errors of the search are raised."""
    outcome = state.result(raise_on_failure=False)
    if isinstance(outcome, Measured | TrialFailed):
        return outcome
    raise outcome


@contextlib.contextmanager
def shared_cores(parallel_trials: int) -> Iterator[None]:
    """Divide the cores among parallel trials, unless OMP_NUM_THREADS is set."""
    name = "OMP_NUM_THREADS"
    if parallel_trials == 1 or name in os.environ:
        yield
        return
    os.environ[name] = str(max(1, (os.cpu_count() or 1) // parallel_trials))
    try:
        yield
    finally:
        del os.environ[name]


def finish(search: Search, winner: str, folder: Path, apply_winner: bool) -> list[str]:
    """Apply the winner if requested and no edits would be lost; return lines to print."""
    began = trials.began_with(search.study, folder)
    assert began
    lines = [
        f"all trials: dvc exp show --rev {began[0][:7]}",
        f"to apply the best: dvc exp apply {winner}",
    ]
    if not apply_winner:
        return lines
    with dvc_command.only_run(folder / dvc_command.LOCK, lines.append):
        if began != trials.state_of(folder):
            return [*lines, "not applied: tracked files have changed since the study began"]
        if edited := trials.edited_data(folder):
            return [*lines, f"not applied: {', '.join(edited)}"]
        trials.apply(winner, folder)
    return [*lines[:1], f"applied {winner}; `make repro` exports it"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m flows.tune",
        description=tune.fn.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("search", type=Path, help="such as flows/search.yaml")
    parser.add_argument("--no-apply", dest="apply_winner", action="store_false")
    chosen = parser.parse_args()
    try:
        search = read_search(chosen.search, PROJECT / "params.yaml")
    except ValueError as error:
        sys.exit(str(error))
    terminal.run(tune, search, chosen.apply_winner)


if __name__ == "__main__":
    main()
