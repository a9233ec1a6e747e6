"""Do the tests notice small faults? Mutants of some folders, and how many of them a test fails for.

python -m tests.benchmarks.mutation [--only stages/search ...] [--sample 300] [--seed 0] [--json FILE]

Of a folder's mutants (see mutants) a sample is planted, one at a time, in a copy of the checkout, and the
tests run, first the fast ones that reach its lines, in a process that has the libraries already. A mutant is
killed by a test that fails, or that takes much longer than before. Tests of more than --slow seconds are left
out. Mutants that survive are printed: a test is missing, or the mutant makes no difference.
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
TESTS = {  # the fast ones of a folder
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
OTHERS = 5.0  # seconds of tests that do not run a mutant's lines
OTHERS_ALONE = 30.0  # where none does: lines of a module are run when it is imported
PATIENCE = 1.0  # second of a test, and five times what it took before
WAITS = 300.0  # seconds of all tests, and five times what they took: for what waits and does not compute
MEMORY = 24 * 2**30  # addresses: of a loop that never ends


class Reach:
    """A pytest plugin: the seconds of every test, the lines of a folder that it ran, and what is imported."""

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
    """A pytest plugin: just these tests, in this order; one that computes for much longer ends everything."""

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
    """What work returns in a process of its own, with what it started; None where that took too long."""
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
    """Compiled mutants are not kept: two of the same second and size would be taken for one."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    return run_tests(files, Selection(seconds), "-x")


def reached(folder: Path, patterns: list[str], log: Path) -> dict[str, dict[str, Any]]:
    """Every test's seconds and lines; the libraries of the tests are imported here for those to come."""
    files = sorted({str(path) for pattern in patterns for path in Path("tests").glob(pattern)})
    report = log.with_suffix(".json")
    if in_a_fork(lambda: run_tests(files, Reach(folder, report)), 3600, log):
        sys.exit(f"mutation: tests fail without any mutant:\n{log.read_text()[-3000:]}")
    found = json.loads(report.read_text())
    for name in found["libraries"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what forks need not look at
    return dict(found["tests"])


def tests_of(mutant: Mutant, path: Path, tests: dict[str, dict[str, Any]]) -> list[str]:
    """Those that run a mutant's lines, the fast ones first; then others, the first those of its file, for as
    long as is reasonable: what is kept from one call to the next is run by a single test, but used by many.
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
    """What the tests say of a mutant."""
    names = tests_of(mutant, path, tests)
    files = sorted({name.split("::")[0] for name in names})
    before, status = path.read_bytes(), path.stat()
    seconds = {name: float(tests[name]["seconds"]) for name in names}
    path.write_text(mutant.source, encoding="utf-8")
    try:
        code = in_a_fork(lambda: until_one_fails(files, seconds), WAITS + 5 * sum(seconds.values()), log)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # for what is compiled of it
    if code in (None, -signal.SIGVTALRM):
        return TIMEOUT
    return SURVIVED if code in (0, 5) else KILLED  # 5: the tests are not there any more


def score(name: str, settings: argparse.Namespace, log: Path) -> dict[str, Any]:
    """Plant a sample of a folder's mutants."""
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
    parser.add_argument("--sample", type=int, default=300, help="mutants of a folder at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", type=float, default=10.0, help="seconds of a test")
    parser.add_argument("--json", type=Path, help="where to write what was found")
    parser.add_argument("--again", type=Path, help="such a file, of the same sample: try what survived there")
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
