"""git as tests run it in a folder: by a name of their own, as the machine may know none."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """What it prints."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
