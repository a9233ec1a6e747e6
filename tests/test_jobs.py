"""Jobs in local processes or on a Dask cluster, and what happens when a process is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import joblib  # noqa: F401 - it sets a variable of OpenMP when it is imported
import psutil
import pytest
from distributed import Client, LocalCluster
from small_jobs import (
    die_at_three,
    die_with_its_parent_at_three,
    draw_for_ten_seconds,
    refuse_seven,
    seed_and_draw,
    threads_of_a_process,
)

from stages.preflight.reading import read_params
from stages.program.jobs import LostWorker, run_jobs
from stages.schema.params import Executor

TWO = Executor(num_processes=2)
STAGE = """
import sys
from pathlib import Path
from stages.program.jobs import run_jobs
from stages.program.signals import exit_on_signals
from stages.schema.params import Executor
from small_jobs import say_who_and_wait

exit_on_signals()
list(run_jobs(say_who_and_wait, [Path("a"), Path("b"), Path("c")], 3, Executor(num_processes=2)))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    """Two worker processes; Dask does not restart a job that killed one of them."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as started,
    ):
        yield Executor(dask_scheduler=started.scheduler_address)


def test_each_process_computes_with_one_thread_and_this_one_as_before() -> None:
    before = dict(os.environ)
    found = set(run_jobs(threads_of_a_process, range(8), 8, TWO))
    assert {threads for _, threads in found} == {"1"}
    assert os.getpid() not in {process for process, _ in found}
    assert dict(os.environ) == before


@pytest.mark.parametrize(("num_jobs", "num_processes"), [(1, 2), (5, 1)])
def test_where_one_process_is_enough_it_is_this_one(num_jobs: int, num_processes: int) -> None:
    executor = Executor(num_processes=num_processes)
    found = set(run_jobs(threads_of_a_process, range(num_jobs), num_jobs, executor))
    assert {process for process, _ in found} == {os.getpid()}


def test_jobs_are_made_when_they_are_needed() -> None:
    made = []

    def jobs() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    results = run_jobs(refuse_seven, (number + 8 for number in jobs()), 1000, TWO)
    next(results)
    assert len(made) < 900
    assert len(list(results)) == 999


def test_an_error_comes_as_if_raised_here() -> None:
    with pytest.raises(ValueError, match=r"^seven is not liked$"):
        list(run_jobs(refuse_seven, range(20), 20, TWO))


def test_a_killed_process_is_an_error() -> None:
    with pytest.raises(LostWorker, match="a worker process was killed, possibly out of memory"):
        list(run_jobs(die_at_three, range(20), 20, TWO))
    assert sorted(run_jobs(refuse_seven, range(3), 3, TWO)) == [0, 1, 2]


def test_a_dask_cluster_does_the_same_jobs(cluster: Executor) -> None:
    processes = {process for process, _ in run_jobs(threads_of_a_process, range(40), 40, cluster)}
    assert len(processes) == 2
    assert os.getpid() not in processes
    with pytest.raises(ValueError, match=r"^seven is not liked$"):
        list(run_jobs(refuse_seven, range(20), 20, cluster))


def test_what_else_draws_in_a_worker_of_a_cluster_changes_no_job(cluster: Executor) -> None:
    with Client(cluster.dask_scheduler) as client:
        client.run(draw_for_ten_seconds)
    found = dict(run_jobs(seed_and_draw, range(10), 10, cluster))
    assert found == {number: random.Random(number).random() for number in range(10)}


@pytest.mark.parametrize(
    ("die", "message"),
    [
        (die_at_three, "a worker process was killed, possibly out of memory"),
        (die_with_its_parent_at_three, "the Dask cluster gave up a job"),
    ],
)
def test_a_killed_worker_of_a_cluster_is_an_error(
    cluster: Executor, die: Callable[[int], int], message: str
) -> None:
    with pytest.raises(LostWorker, match=message):
        list(run_jobs(die, range(20), 20, cluster))


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.program.jobs.CONNECT_SECONDS", 0.5)
    with pytest.raises(ValueError, match=r"features\.executor\.dask_scheduler: tcp://127\.0\.0\.1:9 "):
        list(run_jobs(refuse_seven, range(2), 2, Executor(dask_scheduler="tcp://127.0.0.1:9")))


def test_with_nothing_to_do_no_cluster_is_asked() -> None:
    assert list(run_jobs(refuse_seven, [], 0, Executor(dask_scheduler="tcp://127.0.0.1:9"))) == []


@pytest.mark.parametrize(
    "address", ["10.0.0.5:8786", "http://10.0.0.5:8786", "tcp://", "xtcp://10.0.0.5:8786"]
)
def test_an_address_that_no_scheduler_has_is_refused(write_params: Callable[..., Path], address: str) -> None:
    with pytest.raises(ValueError, match=r"features\.executor\.dask_scheduler"):
        read_params(write_params({"features.executor": {"dask_scheduler": address}}))


def test_a_cluster_without_its_package_names_the_extra(
    write_params: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.preflight.packages.find_spec", lambda _: None)
    message = r"features\.executor\.dask_scheduler: needs the package distributed: pip .*\[dask\]"
    with pytest.raises(ValueError, match=message):
        read_params(write_params({"features.executor": {"dask_scheduler": "tcp://10.0.0.5:8786"}}))


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_no_process_outlives_its_stage(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (tmp_path / "log").open("w") as log:
        stage = subprocess.Popen(
            [sys.executable, "-c", STAGE], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    waiting_for = [tmp_path / "a", tmp_path / "b"]
    while not all(path.exists() for path in waiting_for):
        assert stage.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.05)
    below = psutil.Process(stage.pid).children(recursive=True)
    assert {int(path.read_text()) for path in waiting_for} <= {process.pid for process in below}
    os.kill(stage.pid, sent)
    assert stage.wait(timeout=20) == code
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive
    assert not (tmp_path / "c").exists()
    assert not list(Path("/dev/shm").glob(f"*loky-{stage.pid}-*"))
    if sent != signal.SIGKILL:  # then loky's own tracker prints that it cleaned up
        assert (tmp_path / "log").read_text() == ""
