"""The overhead of every command in CPU seconds of complete processes, in five runs.

python -m tests.benchmarks.startup FOLDER [--runs 5]

FOLDER is a project in which every stage has run, such as a checkout after ``make repro``. The stages run
there again and write the same outputs. Training runs one batch of the smoke recipe in its own folder. Medians
are also shown in multiples of ``import torch``, to compare machines. startup.json in FOLDER has all runs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[2]
RECIPE = CHECKOUT / "flows" / "recipes" / "simple_ctc.yaml"
COMMANDS = {
    "import torch": ["-c", "import torch"],
    "import lightning": ["-c", "import lightning"],
    "check, known": ["-m", "stages.schema"],
    "check, fresh": ["-m", "stages.schema", "--anew"],
    "manifest": ["-m", "stages.manifest"],
    "features": ["-m", "stages.features"],
    "evaluate": ["-m", "stages.evaluate"],
    "export": ["-m", "stages.export"],
    "dvc repro": ["-m", "dvc", "repro"],
}
TONES = {
    "tones: manifest": ["-m", "stages.manifest"],
    "tones: features": ["-m", "stages.features"],
    "tones: train, one batch": ["-m", "stages.train"],
}


def cpu_seconds(folder: Path, arguments: list[str]) -> float:
    """CPU seconds of a command and its processes; prints its error if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_tones(folder: Path) -> None:
    """The smoke recipe with one training batch and one validation batch."""
    for name in ("default", "none"):
        (folder / "data" / "raw" / name).mkdir(parents=True)
    recipe = RECIPE.read_text().replace("trainer: {", "trainer: {fast_dev_run: true, ")
    (folder / "params.yaml").write_text(recipe)
    cpu_seconds(folder, ["-m", "stages.schema"])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.startup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in COMMANDS | TONES}
    with tempfile.TemporaryDirectory() as name:
        tones = Path(name)
        make_tones(tones)
        for _ in range(given.runs):
            for name, arguments in (COMMANDS | TONES).items():
                found[name].append(cpu_seconds(tones if name in TONES else given.folder, arguments))
    unit = median(found["import torch"])
    for name, seconds in found.items():
        print(f"{name:24} {median(seconds):6.2f} s {median(seconds) / unit:6.2f} times import torch")
    (given.folder / "startup.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
