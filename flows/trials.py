"""Trials as DVC experiments, run in a copy of the project as it was when their study began.

`dvc exp run --temp` takes its files from the working tree, which it rewrites while it does so, and a search
takes hours: what people edit, run or commit meanwhile must neither change the later trials nor be changed.
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

APPLIED = ("params.yaml", "dvc.lock", HISTORY)  # by which it shows that an experiment was
NUM_REASON_LINES = 6
FAILED_STAGE = re.compile(r"ERROR: failed to reproduce '(\w+)'")


def state_of(folder: Path) -> tuple[str, str]:
    """The commit that is checked out, and the tree of the tracked files as they are."""
    head = git("rev-parse", "HEAD", folder=folder)
    git("status", "--porcelain", folder=folder)  # stash fails where files were touched and it was not told
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
    """Keep the project as it is now for all trials of the study, under a ref that git does not clean up."""
    head, tree = state_of(folder)
    message = f"what the trials of {study} start from"
    base = git(*_identity(folder), "commit-tree", tree, "-p", head, "-m", message, folder=folder)
    git("update-ref", _ref(study), base, folder=folder)
    return head, tree


def copy_project(study: str, folder: Path, copy: Path) -> None:
    """The project as the study began with it, in a clone that shares the cache and .scratch, where killed
    trainings left off. Always a fresh one: a killed dvc may have left anything.
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
    """Input folders with files that neither git nor DVC knows: a trial would not see them."""
    named = (params["manifest"]["root"], params["train"]["inputs"], params["evaluate"]["inputs"])
    roots = [Path(name) for name in dict.fromkeys(named)]
    return [
        f"{root}: a trial sees only what is tracked; first `dvc add {root}`"
        for root in roots
        if not root.is_absolute()
        and has_files(folder / root)
        and not set(git("ls-files", str(root), f"{root}.dvc", folder=folder).split()) - {f"{root}/.gitkeep"}
    ]


def untracked_code(folder: Path) -> list[str]:
    files = git("ls-files", "--others", "--exclude-standard", "--", "stages/*.py", folder=folder).splitlines()
    return [f"{path}: trials see only what git tracks: `git add` it" for path in files]


def edited_data(folder: Path) -> list[str]:
    """Data that is not what its .dvc file says: trials do not see the edits, and applying one undoes them."""
    known = ("--cached", "--others", "--exclude-standard", "--", "*.dvc")
    files = [path for path in git("ls-files", *known, folder=folder).splitlines() if (folder / path).exists()]
    status = json.loads(dvc_command.answer("status", "--json", *files, folder=folder)) if files else {}
    return [
        f"{data} differs from {data}.dvc; first `dvc add {data}`"
        for reasons in status.values()
        for reason in reasons
        if isinstance(reason, dict)
        for data, how in reason.get("changed outs", {}).items()
        if how != "deleted"  # then there is nothing to lose
    ]


def run_trial(proposal: Proposal, search: Search, folder: Path, copy: Path, say: Line) -> Measured:
    """Run a trial up to its evaluation and keep it as an experiment of the project; its best epoch.

    TrialFailed when it has no result; ValueError when no trial of this search can have one.
    """
    where = folder  # has it already when a killed search came this far
    if not experiments(folder).get(proposal.name):
        where = copy
        _train(proposal, copy, say)
    commit = experiments(where).get(proposal.name)
    if not commit:
        raise TrialFailed("dvc made no experiment of it")
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
        # It also fails when all is applied, for want of the outputs of a stage that never ran: export.
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
            f"metric: {search.metric!r} is no column of {HISTORY}, which has {', '.join(columns)}"
        )
    measured = [Measured(float(row[search.metric]), int(row["epoch"])) for row in rows if row[search.metric]]
    finite = [epoch for epoch in measured if math.isfinite(epoch.value)]
    if not finite:
        raise TrialFailed(f"{search.metric} is a number in none of {len(rows)} epochs")
    sign = 1 if search.direction == "minimize" else -1
    return min(finite, key=lambda epoch: sign * epoch.value)


def epochs(history: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(history)))


def reason_of(lines: list[str]) -> str:
    """What the stage that failed said at its end, of all that dvc printed."""
    said = [line for line in lines if line.strip()]
    for end, line in enumerate(said):
        if failed := FAILED_STAGE.match(line):
            begins = [n for n in range(end) if said[n].startswith(f"{failed[1]}: ")]
            begin = max(begins[-1] if begins else 0, end - NUM_REASON_LINES)
            return "\n".join([*said[begin:end], line.removeprefix("ERROR: ")])
    return "\n".join(said[-NUM_REASON_LINES:]) or "dvc said nothing"


def _train(proposal: Proposal, copy: Path, say: Line) -> None:
    printed: list[str] = []

    def on_line(line: str) -> None:
        printed.append(line)
        say(line)

    values = [option for path, value in proposal.values.items() for option in ("-S", override(path, value))]
    # Up to evaluate, so that `dvc exp show` has the metrics. What a trial does not change comes from dvc's
    # run cache; the files in between are not even in the copy.
    failed = dvc_command.run(
        "exp", "run", "--temp", "-n", proposal.name, *values, "evaluate", folder=copy, on_line=on_line
    )
    if failed:
        raise TrialFailed(reason_of(printed))


def _ref(study: str) -> str:
    return f"refs/tune/{study}"


def _identity(folder: Path) -> list[str]:
    """As whom git and dvc commit, which somebody without a name in git may not have set."""
    known = dict(
        line.split("=", 1) for line in git("config", "--list", folder=folder).splitlines() if "=" in line
    )
    name, email = known.get("user.name", "earshot"), known.get("user.email", "earshot@localhost")
    return ["-c", f"user.name={name}", "-c", f"user.email={email}"]
