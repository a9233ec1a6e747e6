"""Errors of the features stage, and what it leaves behind."""

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from features_project import (
    LOG_MEL,
    MANIFEST,
    OUTPUT,
    SCRATCH,
    Extract,
    five_tones,
    give_everywhere,
    recorded,
    tone,
)

from stages.schema.manifest_row import ManifestRow
from stages.shards import extract as extraction

pytestmark = pytest.mark.usefixtures("small_shards")


def shards() -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in SCRATCH.glob("*.parquet")}


@contextmanager
def files_of_at_most(num_bytes: int) -> Iterator[None]:
    """Simulate a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_error_and_the_next_run_goes_on(extract: Extract) -> None:
    rows = [*five_tones(), recorded("long", tone(160_000))]
    with (
        files_of_at_most(100_000),
        pytest.raises(ValueError, match=r"the disk is full .*: make room and run"),
    ):
        extract(rows)
    assert not list(SCRATCH.glob("*.partial"))
    assert not OUTPUT.with_name("features.partial").exists()
    assert not OUTPUT.exists()
    before = shards()
    extract(rows)
    assert before.items() <= shards().items()


@contextmanager
def a_worker_killed() -> Iterator[None]:
    """Within the block, kill the first process that works on a shard."""
    ended, killed = threading.Event(), threading.Event()

    def kill() -> None:
        while not (ended.is_set() or killed.is_set()):
            at_work = {int(path.stem.rpartition("-")[2]) for path in SCRATCH.glob("*.partial")}
            for process in at_work - {os.getpid()}:
                os.kill(process, signal.SIGKILL)
                killed.set()
            time.sleep(0.001)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        ended.set()
        killer.join()
    assert killed.is_set()


def slow_rows() -> list[ManifestRow]:
    noise = recorded("noise", np.random.default_rng(0).uniform(-0.5, 0.5, 160_000).astype(np.float32))
    return [noise.model_copy(update={"id": f"noise-{number}"}) for number in range(300)]


def test_a_killed_worker_is_one_error_and_the_next_run_goes_on(extract: Extract) -> None:
    rows = slow_rows()
    message = r"a worker process was killed.* at work on .*\. Finished shards are kept"
    with a_worker_killed(), pytest.raises(ValueError, match=message):
        extract(rows, frontend=LOG_MEL, executor={"num_processes": 2})
    assert not list(SCRATCH.glob("*.partial"))
    assert not OUTPUT.exists()
    before = shards()
    extract(rows, frontend=LOG_MEL, executor={"num_processes": 2})
    assert before.items() <= shards().items()


def test_an_error_in_one_process_leaves_nothing_of_what_the_others_were_at(extract: Extract) -> None:
    lost = [recorded(f"lost-{number}", tone(800)) for number in range(3)]
    for row in lost:
        (MANIFEST / row.audio_filepath).write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="changed since the manifest was made"):
        extract([*slow_rows(), *lost], frontend=LOG_MEL, executor={"num_processes": 2})
    assert not list(SCRATCH.glob("*.partial"))


def test_a_signal_leaves_nothing_of_what_processes_were_at(extract: Extract) -> None:
    def stop(*_: object) -> None:
        raise SystemExit(143)

    def interrupt() -> None:
        while not list(SCRATCH.glob("*.partial")):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    try:
        with pytest.raises(SystemExit):
            extract(slow_rows(), frontend=LOG_MEL, executor={"num_processes": 2})
    finally:
        interrupter.join()
        signal.signal(signal.SIGTERM, before)
    assert not list(SCRATCH.glob("*.partial"))


def test_what_a_killed_stage_left_of_a_shard_is_removed(extract: Extract) -> None:
    extract(five_tones())
    finished = next(SCRATCH.glob("*.parquet"))
    host = os.uname().nodename
    writers = (f"{host}-{2**22 + 1}", f"{host}-1", f"{host}-1-{2**22 + 1}")
    lost, at_work, elsewhere = (SCRATCH / f"{finished.name}.{writer}.partial" for writer in writers)
    for path in (lost, at_work, elsewhere):
        path.write_bytes(b"half")
    extract(five_tones())
    assert [path.exists() for path in (lost, at_work, elsewhere, finished)] == [False, True, True, True]


def test_a_worker_with_other_code_or_another_file_system_is_refused(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(extraction, "made_by", lambda *_: "other code")
        with pytest.raises(ValueError, match="has other code or other versions of libraries"):
            extract(five_tones())
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: path != MANIFEST.absolute() and is_dir(path))
    with pytest.raises(ValueError, match=r"does not see /.*/data/manifest: the project must be on a file"):
        extract(five_tones())


@pytest.mark.parametrize(("content", "problem"), [(b"RIFF", " changed since"), (None, ": No such file")])
def test_a_changed_or_lost_recording_is_named(extract: Extract, content: bytes | None, problem: str) -> None:
    rows, path = five_tones(), MANIFEST / "tone-3.wav"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"utterance tone-3: data/manifest/tone-3\.wav{problem}"):
        extract(rows)


def test_a_recording_that_is_edited_while_its_shard_is_made_is_named(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recorded("whole", tone(3200))
    halves = [
        whole.model_copy(update={"id": half, "offset": at, "duration": 0.1})
        for half, at in (("a", 0.0), ("b", 0.1))
    ]
    mono = extraction.mono

    def edited_meanwhile(*read: Any) -> Any:
        recorded("whole", tone(3200, 300.0))
        return mono(*read)

    monkeypatch.setattr(extraction, "mono", edited_meanwhile)
    with pytest.raises(ValueError, match=r"utterance b: data/manifest/whole\.wav changed since the manifest"):
        extract(halves, executor={"num_processes": 1})
    assert not OUTPUT.exists()


def test_a_recording_that_is_touched_meanwhile_is_the_same(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = [recorded("whole", tone(3200)).model_copy(update={"id": half}) for half in "ab"]
    mono = extraction.mono

    def touched_meanwhile(*read: Any) -> Any:
        (MANIFEST / "whole.wav").touch()
        return mono(*read)

    monkeypatch.setattr(extraction, "mono", touched_meanwhile)
    extract(halves, executor={"num_processes": 1})
    assert OUTPUT.exists()


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_an_utterance_with_values_that_cannot_be_kept_is_named(
    extract: Extract, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    give_everywhere(value, monkeypatch)
    with pytest.raises(ValueError, match=r"utterance \w+: .*\.LogMel returned NaN, or values too large"):
        extract([recorded("a", tone(800))], frontend=LOG_MEL)


def test_an_utterance_of_which_no_sample_is_left_is_named(extract: Extract) -> None:
    with pytest.raises(ValueError, match="utterance a: shorter than one sample"):
        extract([recorded("a", tone(1), sample_rate=44100)])
