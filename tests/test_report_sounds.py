"""Duplicates, clipping and silence in the report on a corpus."""

import re

import numpy as np
import soundfile
from manifest_project import (
    ROOT,
    Run,
    metrics,
    one_in_each_split,
    page,
    recorded,
    written,
)


def test_the_same_sound_in_another_format_is_a_duplicate_and_another_text_a_contradiction(run: Run) -> None:
    rows = [*one_in_each_split(), recorded("a.wav", split="train")]
    samples, rate = soundfile.read(ROOT / "a.wav", dtype="int16")
    rows += [written("copy.flac", samples, rate), written("other.flac", samples, rate) | {"text": "NO"}]
    run(rows)
    assert (metrics()["duplicates"], metrics()["duplicates_with_other_text"]) == (2, 1)
    assert re.search(r"other\.flac\s+train\s+a\.wav says: GO\s+NO", page())


def test_a_piece_of_a_recording_is_no_duplicate_of_another(run: Run) -> None:
    pieces = [recorded("a.wav", split="train", offset=offset, duration=0.1) for offset in (0.0, 0.1)]
    run([*one_in_each_split(), *pieces])
    assert metrics()["duplicates"] == 0


def test_runs_at_full_scale_are_clipping_and_a_single_peak_is_not(run: Run) -> None:
    tone = np.sin(np.arange(3200) / 5)
    run([*one_in_each_split(), written("clipped.wav", np.clip(2 * tone, -1, 1)), written("peak.wav", tone)])
    assert metrics()["clipped"] == 1
    assert re.search(r"clipped\.wav\s+train\s+6\d\.\d% of the samples", page())


def test_clipping_is_of_the_utterance_that_has_it_in_a_long_recording(run: Run) -> None:
    quiet, loud = np.zeros(16000 * 60) + 0.1, np.ones(8000)
    row = written("long.wav", np.concatenate([quiet, loud, quiet, loud[:40], quiet]))
    ends = {"before": 0.0, "itself": 60.05, "after": 60.5, "hardly": 120.4}
    run(
        [
            *one_in_each_split(),
            *(row | {"id": i, "offset": start, "duration": 0.4} for i, start in ends.items()),
        ]
    )
    assert metrics()["clipped"] == 2
    assert re.search(
        r"itself\s+train\s+100\.0% of the samples.*hardly\s+train\s+0\.\d% of the", page(), re.DOTALL
    )


def test_silence_is_found_in_a_piece_of_a_recording_that_is_not_silent(run: Run) -> None:
    samples = np.concatenate([np.random.default_rng(0).normal(0, 0.1, 16000), np.zeros(16000)])
    row = written("half.wav", samples)
    run([*one_in_each_split(), row | {"duration": 1.0}, row | {"offset": 1.2, "duration": 0.5}])
    assert metrics()["silent"] == 1
    assert re.search(r"half\.wav@1\.2\s+train\s+digital silence", page())


def test_silence_is_found_whatever_is_heard_beside_it(run: Run) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 32000)
    samples[8800:16800] = 0.0
    row = written("cut.wav", samples)
    run([*one_in_each_split(), row | {"offset": 0.55, "duration": 0.5}, row | {"offset": 1.1}])
    assert metrics()["silent"] == 1


def test_minus_zero_sounds_as_zero_does(run: Run) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).round(3).astype(np.float32)
    samples[:100] = 0.0
    rows = [written("a.wav", samples, subtype="FLOAT")]
    samples[:100] = -0.0
    run([*one_in_each_split(), *rows, written("b.wav", samples, subtype="FLOAT")])
    assert metrics()["duplicates"] == 1
