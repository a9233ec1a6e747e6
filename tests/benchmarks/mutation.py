"""Mutation testing: make small faults (mutants) in some folders, and count those that the tests detect.

python -m tests.benchmarks.mutation [--only stages/search ...] [--sample 300] [--seed 0] [--json FILE]

A sample of each folder's mutants (see mutants) is tried, one at a time, in a copy of the checkout. The tests
run in a process that has imported the libraries, first the fast ones that reach the changed lines. A mutant
is killed if a test fails or takes much longer than before. Tests of more than --slow seconds are left out.
Mutants that survive are printed: a test is missing, or the mutant makes no difference.
"""

import argparse
import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.benchmarks.mutants import Mutant, mutants

CHECKOUT = Path(__file__).parents[2]
TESTS = {  # the fast tests of each folder
    "stages/metrics": ["test_metrics*.py"],
    "stages/losses": ["test_losses*.py"],
    "stages/search": ["test_search*.py"],
    "stages/batching": ["test_batching*.py"],
    "stages/schedules": ["test_schedules*.py"],
    "stages/shards": ["test_shards*.py", "test_features*.py"],
    "flows/gate.py": ["test_flows_gate*.py"],
    "stages/tokens/normalization.py": ["test_tokens_normalization*.py"],
}
KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"
LEFT_OUT = (".git", ".venv", ".scratch", ".dvc", "data", "artifacts", "__pycache__", ".*_cache")
OWN = ("stages", "flows", "tests", "test_", "conftest", "__main__", "__mp_main__")
DIE_WITH_PARENT = 1  # Linux: PR_SET_PDEATHSIG
QUIET = ["-q", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"]
OTHERS = 5.0  # seconds for tests that do not run a mutant's lines
OTHERS_ALONE = 30.0  # the same if no test runs them: lines of a module also run at import
PATIENCE = 1.0  # limit of CPU seconds for a test, plus five times what it took before
WAITS = 300.0  # limit of seconds for all tests, plus five times what they took, for tests that only wait
MEMORY = 24 * 2**30  # limit of address space, for endless loops


class Reach:
    """A pytest plugin that records each test's seconds, the lines of a folder that it ran, and imports."""

    def __init__(self, folder: Path, report: Path) -> None:
        self.folder, self.report = str(folder), report
        self.tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> None:
        self.lines: set[tuple[str, int]] = set()
        self.start = time.monotonic()
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        seconds = time.monotonic() - self.start
        self.tests[nodeid] = {"seconds": seconds, "lines": sorted(self.lines)}

    def pytest_sessionfinish(self) -> None:
        libraries = sorted(
            name
            for name, module in sys.modules.items()
            if not name.startswith(OWN) and "site-packages" in (getattr(module, "__file__", None) or "")
        )
        self.report.write_text(json.dumps({"tests": self.tests, "libraries": libraries}))

    def _enter(self, frame: Any, event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self.folder) else None

    def _line(self, frame: Any, event: str, _: Any) -> Any:
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


class Selection:
    """A pytest plugin that runs only these tests, in this order, and ends if one computes much longer."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self.places = {name: place for place, name in enumerate(seconds)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.places), key=lambda item: self.places[item.nodeid]
        )

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE + 5 * self.seconds[item.nodeid])


def in_a_fork(work: Callable[[], int], seconds: float, log: Path) -> int | None:
    """Run ``work`` in its own process and return its result; None if it took too long."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        with log.open("wb") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        code = 3
        try:
            code = int(work())
        finally:
            os._exit(code)
    deadline, ended = time.monotonic() + seconds, 0
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
        ended, status = os.waitpid(child, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if ended:
        return os.waitstatus_to_exitcode(status)
    os.waitpid(child, 0)
    return None


def run_tests(files: list[str], plugin: object, *options: str) -> int:
    import pytest

    return int(pytest.main([*QUIET, *options, *files], plugins=[plugin]))


def until_one_fails(files: list[str], seconds: dict[str, float]) -> int:
    """Do not store bytecode: mutants with the same time and size would share it."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    return run_tests(files, Selection(seconds), "-x")


def reached(folder: Path, patterns: list[str], log: Path) -> dict[str, dict[str, Any]]:
    """The seconds and lines of every test; imports the tests' libraries into this process for later forks."""
    files = sorted({str(path) for pattern in patterns for path in Path("tests").glob(pattern)})
    report = log.with_suffix(".json")
    if in_a_fork(lambda: run_tests(files, Reach(folder, report)), 3600, log):
        sys.exit(f"mutation: tests fail without any mutant:\n{log.read_text()[-3000:]}")
    found = json.loads(report.read_text())
    for name in found["libraries"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector in forks can skip these objects
    return dict(found["tests"])


def tests_of(mutant: Mutant, path: Path, tests: dict[str, dict[str, Any]]) -> list[str]:
    """The tests that run a mutant's lines, fast ones first; then others within a time limit, those of its
    file first: cached values are computed in a single test but used by many.
    """
    lines = {
        name: {line for file, line in test["lines"] if file == str(path)} for name, test in tests.items()
    }
    by_speed = sorted(tests, key=lambda name: float(tests[name]["seconds"]))
    hit = [name for name in by_speed if lines[name] & set(mutant.lines)]
    others = sorted(set(by_speed) - set(hit), key=lambda name: (not lines[name], by_speed.index(name)))
    ends = accumulate(float(tests[name]["seconds"]) for name in others)
    limit = OTHERS if hit else OTHERS_ALONE
    return hit + [name for name, end in zip(others, ends, strict=True) if end < limit]


def tried(mutant: Mutant, path: Path, tests: dict[str, dict[str, Any]], log: Path) -> str:
    """Run the tests on a mutant and return the outcome."""
    names = tests_of(mutant, path, tests)
    files = sorted({name.split("::")[0] for name in names})
    before, status = path.read_bytes(), path.stat()
    seconds = {name: float(tests[name]["seconds"]) for name in names}
    path.write_text(mutant.source, encoding="utf-8")
    try:
        code = in_a_fork(lambda: until_one_fails(files, seconds), WAITS + 5 * sum(seconds.values()), log)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # so that its bytecode stays valid
    if code in (None, -signal.SIGVTALRM):
        return TIMEOUT
    return SURVIVED if code in (0, 5) else KILLED  # 5: no tests collected


def score(name: str, settings: argparse.Namespace, log: Path) -> dict[str, Any]:
    """Try a sample of a folder's mutants."""
    folder = Path.cwd() / name
    tests = reached(folder, TESTS[name], log)
    tests = {name: test for name, test in tests.items() if test["seconds"] <= settings.slow}
    files = [folder] if folder.is_file() else sorted(folder.glob("*.py"))
    all_of_them = [(path, mutant) for path in files for mutant in mutants(path.read_text(encoding="utf-8"))]
    sample = random.Random(settings.seed).sample(all_of_them, min(settings.sample, len(all_of_them)))
    found: dict[str, Any] = {"mutants": len(all_of_them), "tried": len(sample), "survivors": []}
    outcomes = []
    for path, mutant in sorted(sample, key=lambda one: (str(one[0]), one[1].line)):
        where = f"{path.relative_to(Path.cwd())}:{mutant.line}: {mutant.what}"
        killed_before = settings.again and where not in settings.again[name]["survivors"]
        outcomes.append(KILLED if killed_before else tried(mutant, path, tests, log))
        if outcomes[-1] == SURVIVED:
            found["survivors"].append(where)
            print(where, flush=True)
    return {**found, **{outcome: outcomes.count(outcome) for outcome in (KILLED, TIMEOUT, SURVIVED)}}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=list(TESTS), choices=TESTS, metavar="FOLDER")
    parser.add_argument("--sample", type=int, default=300, help="largest number of mutants per folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", type=float, default=10.0, help="leave out tests that take more seconds")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--again", type=Path, help="such a file of the same sample: only try the survivors")
    settings = parser.parse_args()
    settings.again = settings.again and json.loads(settings.again.read_text())["folders"]
    report = settings.json and settings.json.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "checkout"
        shutil.copytree(CHECKOUT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        os.chdir(tree)
        sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".").resolve() != CHECKOUT)]
        os.environ |= {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
        found = {}
        for name in settings.only:
            found[name] = score(name, settings, Path(scratch) / "log")
            if report:
                report.write_text(json.dumps({"seed": settings.seed, "folders": found}, indent=1))
    print(f"\n{'':32}{'of':>6}{'tried':>7}{KILLED:>8}{TIMEOUT:>9}{SURVIVED:>10}{'score':>8}")
    for name, of in found.items():
        share = 1 - of[SURVIVED] / max(1, of["tried"])
        print(
            f"{name:32}{of['mutants']:6}{of['tried']:7}{of[KILLED]:8}{of[TIMEOUT]:9}{of[SURVIVED]:10}{share:8.1%}"
        )


if __name__ == "__main__":
    main()
