"""The clone for retraining: committed code, the newest data, the main checkout's cache.

The user's edits are not touched. A promoted model can be rebuilt, as its data is in DVC's cache.
"""

import filecmp
import hashlib
import shutil
from pathlib import Path

from flows import dvc_command, params_file
from flows.champion import PREFIX
from flows.git_command import git, has_files
from stages.program.outputs import link_or_copy

SETTINGS = {
    "user.name": "retraining",
    "user.email": "retraining@localhost",
    "gc.autoDetach": "false",  # it would outlive the run and hold locks
    "maintenance.autoDetach": "false",
}
READ_BY_STAGES = ("params.yaml", "dvc.yaml", "stages", "data")  # data: the .dvc files


def renew(clone: Path, project: Path, drop_folder: Path | None) -> str:
    """Update the clone to the project's commit and newest data; return a fingerprint of the stages' inputs.

    New data comes from manifest.root in the project, from the sources of imported .dvc files, and from the
    drop folder, which is added to manifest.root (ValueError if a file differs between the two).
    """
    _begin(clone, project)
    champions = f"+refs/tags/{PREFIX}*:refs/tags/{PREFIX}*"  # rollbacks, too
    git("fetch", "--quiet", "--prune", "--no-tags", "origin", champions, folder=clone)
    git("fetch", "--quiet", "origin", "HEAD", folder=clone)
    git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", folder=clone)
    git("clean", "--quiet", "-d", "--force", folder=clone)
    params_file.check(clone)
    dvc_command.share_settings(project, clone)
    _renew_data(clone, project, drop_folder)
    git("add", "--all", folder=clone)
    if git("status", "--porcelain", folder=clone):
        git("commit", "--quiet", "--message", "The data that a retraining found", folder=clone)
    listed = git("ls-files", "--stage", "--", *READ_BY_STAGES, folder=clone)
    return hashlib.sha256(listed.encode()).hexdigest()


def _begin(clone: Path, project: Path) -> None:
    """Make the clone, and remove locks that a killed run left: only one run at a time uses it."""
    if not (clone / ".dvc").is_dir():
        shutil.rmtree(clone, ignore_errors=True)
        git("clone", "--quiet", str(project), str(clone), folder=project)
    for lock in [*(clone / ".git").rglob("*.lock"), clone / ".dvc" / "tmp" / "rwlock"]:
        lock.unlink(missing_ok=True)
    for name, value in SETTINGS.items():
        git("config", name, value, folder=clone)


def _renew_data(clone: Path, project: Path, drop_folder: Path | None) -> None:
    root = Path(params_file.read_yaml(clone / "params.yaml")["manifest"]["root"])
    if not root.is_absolute():  # files of an earlier retraining may no longer be in the project
        git("clean", "--quiet", "-dx", "--force", "--", str(root), folder=clone)
    found = root.is_absolute() or has_files(project / root)
    for path in git("ls-files", "*.dvc", folder=clone).splitlines():
        if "deps" in params_file.read_yaml(clone / path):
            dvc_command.answer("update", path, folder=clone)
            found = found and path != f"{root}.dvc"
        elif path != f"{root}.dvc" or not found:
            dvc_command.answer("checkout", path, folder=clone)
    if root.is_absolute():
        if drop_folder:
            raise ValueError(f"a drop folder needs a manifest.root inside the project, not {root}")
        return
    if found:
        shutil.rmtree(clone / root, ignore_errors=True)
        _lay_over(project / root, clone / root)
    if drop_folder:
        if not drop_folder.is_dir():
            raise ValueError(f"{drop_folder}: the drop folder does not exist")
        _lay_over(drop_folder, clone / root)
    if has_files(clone / root):
        kept = ("rm", "-r", "--cached", "--quiet", "--ignore-unmatch")  # dvc add rejects a tracked .gitkeep
        git(*kept, "--", str(root), folder=clone)
        dvc_command.answer("add", str(root), folder=clone)


def _lay_over(source: Path, target: Path) -> None:
    """Link or copy the files; ValueError if the target has a different file of that name."""
    for path in sorted(source.rglob("*")):
        if not path.is_file() or ".git" in path.relative_to(source).parts:
            continue
        place = target / path.relative_to(source)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(path, place)
        elif not filecmp.cmp(path, place, shallow=False):
            raise ValueError(f"{path} differs from the file of that name in manifest.root; rename it")
