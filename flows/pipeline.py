"""The pipeline as a Prefect flow, with a task for each DVC stage.

python -m flows.pipeline [--recipe NAME] [-S KEY=VALUE ...] [--mode val] [--experiment NAME] [STAGE ...]
"""

import argparse
from collections.abc import Iterator
from typing import Literal

from prefect import State, flow
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed
from pydantic import PositiveFloat

from flows import dvc_command, git_command, params_file, run_page, scoring, terminal
from flows.cancelled import end_with_run
from flows.dvc_command import PROJECT
from flows.stage_tasks import (
    NOTHING_NEW,
    UNCHANGED,
    outcome,
    run_stages,
    score,
    selected,
    summary,
    summary_of,
    up_to_date,
)

Mode = Literal["train", "val", "test"]


@flow(name="pipeline", on_cancellation=[end_with_run])
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
    """Bring the pipeline up to date and show the results.

    ``recipe``: a recipe in flows/recipes, copied to params.yaml. ``overrides``: as in dvc's -S, lr=1e-4.
    ``targets``: stages to run, with their dependencies (default: all). ``force``: also run unchanged stages.
    ``mode``: train runs the pipeline. val and test only score the trained model on that split: they do not
    change params.yaml or the tracked metrics, and reject params that differ from those of the training.
    ``experiment``: save the results as a DVC experiment with this name. ``push``: push the data, the models
    and the run cache to the dvc remote, and the experiment to git's origin.
    """
    try:
        with dvc_command.only_run(PROJECT / dvc_command.LOCK, get_run_logger().info):
            _refuse_early(targets or [], mode, experiment)
            if mode in scoring.SPLITS:
                return _score(scoring.SPLITS[mode], recipe, overrides or [], stage_timeout_seconds)
            for line in params_file.prepare(PROJECT, recipe, overrides or []):
                get_run_logger().info(line)
            states = run_stages(PROJECT, targets, force=force, timeout_seconds=stage_timeout_seconds)
            return _conclude(states, experiment, push)
    except (ValueError, RuntimeError) as error:
        return Failed(message=str(error))


def _refuse_early(targets: list[str], mode: Mode, experiment: str | None) -> None:
    """Reject wrong arguments before params.yaml changes or a stage runs."""
    stages = list(params_file.read_yaml(PROJECT / "dvc.yaml")["stages"])
    if unknown := [name for name in targets if name not in stages and not (PROJECT / name).is_file()]:
        raise ValueError(f"no stage {', '.join(unknown)}; there are {', '.join(stages)}")
    if targets and mode in scoring.SPLITS:
        raise ValueError(f"mode {mode} only runs evaluate: give no stages, or choose mode train")
    if experiment and experiment in git_command.experiments(PROJECT):
        raise ValueError(f"experiment {experiment!r} already exists; choose another name")
    if experiment and not git_command.is_name(experiment, PROJECT):
        raise ValueError(f"{experiment!r} is not a valid experiment name; use letters, digits and hyphens")


def _score(split: str, recipe: str | None, overrides: list[str], timeout_seconds: float | None) -> State:
    run = score.with_options(timeout_seconds=timeout_seconds)
    states = {"evaluate": run(split, recipe, overrides, return_state=True)}
    if up_to_date(states):
        run_page.make_all([run_page.show_scores], PROJECT, split)
    for line in summary_of(states):
        get_run_logger().info(line)
    return outcome(states)


def _conclude(states: dict[str, State], experiment: str | None, push: bool) -> State:
    """Show the results, and keep them if nothing failed."""
    logger, ended = get_run_logger(), outcome(states)
    run_page.show(PROJECT, up_to_date(states))
    for line in summary(PROJECT, states):
        logger.info(line)
    for command in _keep(experiment, push) if ended.is_completed() else ():
        logger.info(dvc_command.answer(*command, folder=PROJECT).strip())
    return ended


def _keep(experiment: str | None, push: bool) -> Iterator[tuple[str, ...]]:
    """The dvc commands that save the results as an experiment and push them."""
    if experiment:
        yield "exp", "save", "-n", experiment
    if push:
        yield "push", "--run-cache"
    if experiment and push:
        yield "exp", "push", "origin", experiment


def nothing_to_do(targets: list[str]) -> list[str]:
    """The summary of a run that has no stage to run; empty if a stage would run, or the arguments are wrong.

    Such a run needs no page, and starting a server for it takes ten times as long.
    """
    try:
        with dvc_command.only_run(PROJECT / dvc_command.LOCK):
            _refuse_early(targets, "train", None)
            params_file.check(PROJECT)
            graph, changed = dvc_command.overview(PROJECT)
    except (ValueError, RuntimeError):
        return []
    names = selected(graph, targets)
    if any(name in changed for name in names):
        return []
    return summary(PROJECT, dict.fromkeys(names, Completed(name=UNCHANGED, message=NOTHING_NEW)))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m flows.pipeline",
        description=pipeline.fn.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "targets", nargs="*", metavar="STAGE", help="stages to run, with their dependencies (default: all)"
    )
    parser.add_argument("--recipe")
    parser.add_argument("-S", "--set", dest="overrides", action="append", metavar="KEY=VALUE")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("--mode", choices=["train", "val", "test"], default="train")
    parser.add_argument("--experiment", metavar="NAME")
    parser.add_argument("--stage-timeout-seconds", type=float)
    parser.add_argument("--push", action="store_true", help="push to the dvc remote and git's origin")
    given = vars(parser.parse_args())
    only_targets = given == {**vars(parser.parse_args([])), "targets": given["targets"]}
    if only_targets and not PREFECT_API_URL.value() and (lines := nothing_to_do(given["targets"])):
        print("\n".join(lines))
        return
    terminal.run(pipeline, **given)


if __name__ == "__main__":
    main()
