"""What the flows ask of git."""

import subprocess
from pathlib import Path


def git(*arguments: str, folder: Path) -> str:
    """What a git command prints, less the last line's end; RuntimeError with what it said when it fails."""
    return git_bytes(*arguments, folder=folder).decode().rstrip("\n")


def git_bytes(*arguments: str, folder: Path) -> bytes:
    """What a git command prints, such as a file of a commit."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def commit(folder: Path) -> str:
    """The commit that is checked out, and whether tracked files differ from it."""
    edited = git("status", "--porcelain", "--untracked-files=no", folder=folder)
    return git("rev-parse", "HEAD", folder=folder) + (" and uncommitted changes" if edited else "")


def experiment(name: str, folder: Path) -> str | None:
    """The commit of a DVC experiment, whatever it was started from; None where there is none."""
    for line in git(
        "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps", folder=folder
    ).splitlines():
        found, ref = line.split(" ", 1)
        if ref.rpartition("/")[2] == name:
            return found
    return None
