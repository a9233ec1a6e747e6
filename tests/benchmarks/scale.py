"""Time, memory and size of the manifest and features stages on synthetic corpora of two or more sizes.

python -m tests.benchmarks.scale FOLDER [--sizes 1000 4000 100000] [--utterances-per-file 500]

The corpora are made in FOLDER, a new folder, and stay there. The cost per utterance is the difference between
two sizes, so that it excludes imports and the start of processes. CPU seconds include the processes of the
stage, and hardly depend on the load of the machine. All sizes but the largest run three times; the median
counts. The features of the largest are then extracted again, and on a Dask cluster of two worker processes on
this machine: every shard must have the same bytes.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import soundfile
from ruamel.yaml import YAML

CHECKOUT = Path(__file__).parents[2]
RECIPE = CHECKOUT / "flows" / "recipes" / "simple_ctc.yaml"
SAMPLE_RATE = 16000
SHARES = {"validation": 0.02, "test": 0.02}
REPEATS = 3


@dataclass(frozen=True)
class Cost:
    """Seconds, and the peak memory of the stage and its processes in MB."""

    wall: float
    cpu: float
    parent: float
    worker: float


def make_corpus(folder: Path, size: int, per_file: int, seconds: tuple[float, float]) -> None:
    """Write noise of these durations, many utterances per FLAC file, and params.yaml."""
    generator = np.random.default_rng(size)
    root = folder / "data" / "raw" / "default"
    root.mkdir(parents=True)
    (folder / "data" / "raw" / "none").mkdir()
    with (root / "manifest.json").open("w") as table:
        for first in range(0, size, per_file):
            lengths = generator.uniform(*seconds, min(per_file, size - first)) * SAMPLE_RATE
            ends = np.cumsum(lengths.astype(int))
            noise = generator.normal(0, 100, ends[-1]).astype(np.int16)
            soundfile.write(root / f"{first:07d}.flac", noise, SAMPLE_RATE)
            for place, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
                row = _row(first + place, f"{first:07d}.flac", start, end, size)
                table.write(json.dumps(row) + "\n")
    write_params(folder, {"num_processes": 2})


def _row(number: int, file: str, start: int, end: int, size: int) -> dict[str, object]:
    name = f"utterance-{number:07d}"
    share = number / size  # split by file, as a recording must not be in two splits
    split = "test" if share < SHARES["test"] else "validation" if share < sum(SHARES.values()) else "train"
    return {
        "id": name, "audio_filepath": file, "text": "go", "speaker": f"{split}-{number % 97}", "split": split,
        "offset": int(start) / SAMPLE_RATE, "duration": int(end - start) / SAMPLE_RATE,
    }  # fmt: skip


def write_params(folder: Path, executor: dict[str, object]) -> None:
    yaml = YAML(typ="safe", pure=True)
    document = yaml.load(RECIPE.read_text())
    document["manifest"]["corpora"] = [{"class_path": "stages.corpora.table.Table"}]
    document["features"]["executor"] = executor
    with (folder / "params.yaml").open("w") as stream:
        yaml.dump(document, stream)


def run_stage(folder: Path, stage: str) -> Cost:
    """Run a stage in its own process, as the user would; measure its memory ten times a second."""
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with (folder / f"{stage}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    peaks: dict[int, float] = {}
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks))
    watcher.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    watcher.join()
    if process.returncode:
        sys.exit((folder / f"{stage}.log").read_text())
    cpu = used.ru_utime + used.ru_stime
    parent = max(used.ru_maxrss / 1024 if not peaks else 0, peaks.pop(process.pid, 0))
    return Cost(time.monotonic() - started, cpu, parent, max(peaks.values(), default=0.0))


def _watch(pid: int, peaks: dict[int, float]) -> None:
    try:
        parent = psutil.Process(pid)
        while True:
            for process in (parent, *parent.children(recursive=True)):
                try:
                    peaks[process.pid] = max(peaks.get(process.pid, 0), process.memory_info().rss / 2**20)
                except psutil.NoSuchProcess:  # it has ended
                    continue
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return


def digest(folder: Path) -> str:
    """The hash of all shards and indices."""
    whole = hashlib.sha256()
    for path in sorted((folder / "data" / "features").rglob("*.parquet")):
        whole.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def extract_anew(folder: Path) -> Cost:
    shutil.rmtree(folder / ".scratch", ignore_errors=True)
    shutil.rmtree(folder / "data" / "features", ignore_errors=True)
    return run_stage(folder, "features")


def extract_on_dask(folder: Path) -> Cost:
    from distributed import LocalCluster

    os.environ["PYTHONPATH"] = str(CHECKOUT)  # for the workers
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        write_params(folder, {"dask_scheduler": cluster.scheduler_address})
        return extract_anew(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 4000, 100_000])
    parser.add_argument("--utterances-per-file", type=int, default=500)
    parser.add_argument("--seconds", type=float, nargs=2, default=[0.3, 1.0])
    parser.add_argument("--dask", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    found: dict[str, list[tuple[int, Cost]]] = {"manifest": [], "features": []}
    for size in sorted(arguments.sizes):
        folder = arguments.folder / str(size)
        make_corpus(folder, size, min(arguments.utterances_per_file, size // 50), tuple(arguments.seconds))
        for stage, costs in found.items():
            repeats = REPEATS if size < max(arguments.sizes) else 1
            run = extract_anew if stage == "features" else lambda folder: run_stage(folder, "manifest")
            measured = [run(folder) for _ in range(repeats)]
            cost = Cost(
                *(median(values) for values in zip(*(vars(c).values() for c in measured), strict=True))
            )
            costs.append((size, cost))
            print(f"{stage:9} {size:8} utterances: {_shown(cost)}", flush=True)
    for stage, costs in found.items():
        _compare(stage, costs)
    before = digest(folder)
    print(f"again: {_shown(extract_anew(folder))}; the same bytes: {digest(folder) == before}", flush=True)
    if arguments.dask:
        print(f"on Dask: {_shown(extract_on_dask(folder))}; the same bytes: {digest(folder) == before}")


def _shown(cost: Cost) -> str:
    return (
        f"{cost.wall:.1f} s, {cost.cpu:.1f} s of CPU, {cost.parent:.0f} MB, workers {cost.worker:.0f} MB each"
    )


def _compare(stage: str, costs: list[tuple[int, Cost]]) -> None:
    """Milliseconds per additional utterance, between each size and the next."""
    for what in ("cpu", "wall"):
        steps = [
            1000 * (getattr(after, what) - getattr(before, what)) / (larger - smaller)
            for (smaller, before), (larger, after) in pairwise(costs)
        ]
        per_size = ", ".join(f"{step:.3f}" for step in steps)
        ratio = f"; the last is {steps[-1] / steps[0]:.2f} of the first" if len(steps) > 1 else ""
        print(f"{stage}: ms of {what} for each utterance more: {per_size}{ratio}", flush=True)


if __name__ == "__main__":
    main()
