"""Trials as DVC experiments, run in a copy of the project as it was when their study began.

`dvc exp run --temp` copies files from the working tree, and rewrites it meanwhile. A search takes hours: the
user's edits, runs and commits during that time must not change later trials, nor be changed by them.
"""

import csv
import io
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

from flows import dvc_command
from flows.dvc_command import HISTORY, Line
from flows.git_command import experiments, git, git_bytes, has_files
from flows.search_space import Search, override
from flows.study import Measured, Proposal, TrialFailed

APPLIED = ("params.yaml", "dvc.lock", HISTORY)  # these files show whether an experiment was applied
NUM_REASON_LINES = 6
FAILED_STAGE = re.compile(r"ERROR: failed to reproduce '(\w+)'")


def state_of(folder: Path) -> tuple[str, str]:
    """The checked-out commit, and the tree of the tracked files in their current state."""
    head = git("rev-parse", "HEAD", folder=folder)
    git("status", "--porcelain", folder=folder)  # refreshes the index, else stash fails on touched files
    as_edited = git(*_identity(folder), "stash", "create", folder=folder) or head
    return head, git("rev-parse", f"{as_edited}^{{tree}}", folder=folder)


def began_with(study: str, folder: Path) -> tuple[str, str] | None:
    """``state_of`` the project when the study began; None before that."""
    refs = git("for-each-ref", "--format=%(refname)", _ref(study), folder=folder)
    if not refs:
        return None
    head, tree = git("rev-parse", f"{_ref(study)}^", f"{_ref(study)}^{{tree}}", folder=folder).splitlines()
    return head, tree


def begin(study: str, folder: Path) -> tuple[str, str]:
    """Store the current state of the project for all trials of the study, under a ref that git keeps."""
    head, tree = state_of(folder)
    message = f"what the trials of {study} start from"
    base = git(*_identity(folder), "commit-tree", tree, "-p", head, "-m", message, folder=folder)
    git("update-ref", _ref(study), base, folder=folder)
    return head, tree


def copy_project(study: str, folder: Path, copy: Path) -> None:
    """Clone the project as it was when the study began. The clone shares the cache and .scratch, where killed
    trainings resume. It is always made again, as a killed dvc may leave it in any state.
    """
    shutil.rmtree(copy, ignore_errors=True)
    identity = _identity(folder)
    git("clone", *identity, "--quiet", "--shared", "--no-checkout", str(folder), str(copy), folder=folder)
    git("fetch", "--quiet", "origin", f"{_ref(study)}:{_ref(study)}", folder=copy)
    git("checkout", "--quiet", "--detach", f"{_ref(study)}^", folder=copy)
    git("read-tree", "-u", "--reset", _ref(study), folder=copy)
    (copy / ".scratch").symlink_to(folder / ".scratch")
    with (copy / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write(".scratch\n")
    dvc_command.share_settings(folder, copy)


def untracked(params: Any, folder: Path) -> list[str]:
    """Input folders whose files neither git nor DVC tracks: a trial would not see them."""
    named = (params["manifest"]["root"], params["train"]["inputs"], params["evaluate"]["inputs"])
    roots = [Path(name) for name in dict.fromkeys(named)]
    return [
        f"{root}: trials only see tracked files; first `dvc add {root}`"
        for root in roots
        if not root.is_absolute()
        and has_files(folder / root)
        and not set(git("ls-files", str(root), f"{root}.dvc", folder=folder).split()) - {f"{root}/.gitkeep"}
    ]


def untracked_code(folder: Path) -> list[str]:
    files = git("ls-files", "--others", "--exclude-standard", "--", "stages/*.py", folder=folder).splitlines()
    return [f"{path}: trials only see files tracked by git; `git add` it" for path in files]


def edited_data(folder: Path) -> list[str]:
    """Data that differs from its .dvc file: trials do not see the edits, and applying one undoes them."""
    known = ("--cached", "--others", "--exclude-standard", "--", "*.dvc")
    files = [path for path in git("ls-files", *known, folder=folder).splitlines() if (folder / path).exists()]
    status = json.loads(dvc_command.answer("status", "--json", *files, folder=folder)) if files else {}
    return [
        f"{data} differs from {data}.dvc; first `dvc add {data}`"
        for reasons in status.values()
        for reason in reasons
        if isinstance(reason, dict)
        for data, how in reason.get("changed outs", {}).items()
        if how != "deleted"  # no edits to lose
    ]


def run_trial(proposal: Proposal, search: Search, folder: Path, copy: Path, say: Line) -> Measured:
    """Run a trial up to evaluate and keep it as an experiment of the project; return its best epoch.

    TrialFailed if it has no result; ValueError if no trial of this search can have one.
    """
    where = folder  # a killed search may have stored the experiment there
    if not experiments(folder).get(proposal.name):
        where = copy
        _train(proposal, copy, say)
    commit = experiments(where).get(proposal.name)
    if not commit:
        raise TrialFailed("dvc stored no experiment")
    measured = best_epoch(git_bytes("show", f"{commit}:{HISTORY}", folder=where).decode(), search)
    if where == copy:
        head = git("rev-parse", "HEAD", folder=copy)
        ref = f"refs/exps/{head[:2]}/{head[2:]}/{proposal.name}"
        quiet = ("--quiet", "--no-write-fetch-head", "--no-auto-maintenance")
        git("fetch", *quiet, str(copy), f"{ref}:{ref}", folder=folder)
    return measured


def apply(name: str, folder: Path) -> None:
    """Bring an experiment's params and results into the working tree."""
    try:
        dvc_command.answer("exp", "apply", name, folder=folder)
    except RuntimeError:
        # It also fails when all is applied, because the outputs of export, which never ran, are missing.
        commit = experiments(folder).get(name)
        if any(
            git_bytes("show", f"{commit}:{p}", folder=folder) != (folder / p).read_bytes() for p in APPLIED
        ):
            raise


def best_epoch(history: str, search: Search) -> Measured:
    """The best value of the search's metric in a training's history.csv, and its epoch."""
    rows = epochs(history)
    columns = list(rows[0]) if rows else []
    if rows and search.metric not in columns:
        raise ValueError(
            f"metric: {search.metric!r} is not a column of {HISTORY}, which has {', '.join(columns)}"
        )
    measured = [Measured(float(row[search.metric]), int(row["epoch"])) for row in rows if row[search.metric]]
    finite = [epoch for epoch in measured if math.isfinite(epoch.value)]
    if not finite:
        raise TrialFailed(f"{search.metric} is not a finite number in any of {len(rows)} epochs")
    sign = 1 if search.direction == "minimize" else -1
    return min(finite, key=lambda epoch: sign * epoch.value)


def epochs(history: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(history)))


def reason_of(lines: list[str]) -> str:
    """The message of the failed stage, from the output of dvc."""
    printed = [line for line in lines if line.strip()]
    for end, line in enumerate(printed):
        if failed := FAILED_STAGE.match(line):
            begins = [n for n in range(end) if printed[n].startswith(f"{failed[1]}: ")]
            begin = max(begins[-1] if begins else 0, end - NUM_REASON_LINES)
            return "\n".join([*printed[begin:end], line.removeprefix("ERROR: ")])
    return "\n".join(printed[-NUM_REASON_LINES:]) or "dvc printed nothing"


def _train(proposal: Proposal, copy: Path, say: Line) -> None:
    printed: list[str] = []

    def on_line(line: str) -> None:
        printed.append(line)
        say(line)

    values = [option for path, value in proposal.values.items() for option in ("-S", override(path, value))]
    # Up to evaluate, so that `dvc exp show` has the metrics. Stages that a trial does not change come from
    # dvc's run cache; their files are not in the copy.
    failed = dvc_command.run(
        "exp", "run", "--temp", "-n", proposal.name, *values, "evaluate", folder=copy, on_line=on_line
    )
    if failed:
        raise TrialFailed(reason_of(printed))


def _ref(study: str) -> str:
    return f"refs/tune/{study}"


def _identity(folder: Path) -> list[str]:
    """Options for the author of git's and dvc's commits, with defaults if the user has set none."""
    known = dict(
        line.split("=", 1) for line in git("config", "--list", folder=folder).splitlines() if "=" in line
    )
    name, email = known.get("user.name", "earshot"), known.get("user.email", "earshot@localhost")
    return ["-c", f"user.name={name}", "-c", f"user.email={email}"]
