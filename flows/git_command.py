"""Run git commands."""

import subprocess
from pathlib import Path


def git(*arguments: str, folder: Path) -> str:
    """Return a git command's output without the last newline; RuntimeError with its message if it fails."""
    return git_bytes(*arguments, folder=folder).decode().rstrip("\n")


def git_bytes(*arguments: str, folder: Path) -> bytes:
    """Return a git command's output, such as a file of a commit."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode().strip() or f"exit code {done.returncode}"
        raise RuntimeError(f"git {arguments[0]}: {said}")
    return done.stdout


def commit(folder: Path) -> str:
    """The checked-out commit, and whether tracked files differ from it."""
    edited = git("status", "--porcelain", "--untracked-files=no", folder=folder)
    return git("rev-parse", "HEAD", folder=folder) + (" and uncommitted changes" if edited else "")


def experiments(folder: Path) -> dict[str, str]:
    """The commits of all DVC experiments by name, from any starting commit."""
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps", folder=folder)
    return {
        ref.rpartition("/")[2]: commit
        for ref, commit in (line.split(" ", 1) for line in reversed(listed.splitlines()))
    }


def is_name(text: str, folder: Path) -> bool:
    """Whether git, and so DVC, accepts it as the name of an experiment."""
    asked = ["git", "check-ref-format", f"refs/exps/{text}"]
    return "/" not in text and not subprocess.run(asked, cwd=folder, check=False).returncode


def has_files(folder: Path) -> bool:
    """Whether a folder contains files other than .gitkeep."""
    return any(path.is_file() and path.name != ".gitkeep" for path in folder.rglob("*"))
