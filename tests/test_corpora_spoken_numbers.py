import hashlib
import re
import sys
import time

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from stages.corpora.spoken_numbers import SpokenNumbers
from stages.schema.part import Part, bind
from stages.synthesis import espeak
from stages.synthesis.espeak import SAMPLE_RATE, Prompt, speak
from stages.synthesis.phrases import phrase, spell

SMALL = {"num_train": 8, "num_validation": 3, "num_test": 3}
VOICES = {
    "train_voices": ["en+f2", "en-gb-scotland+Reed"],
    "validation_voices": ["en-us+m3"],
    "test_voices": ["en-gb-x-rp+f4"],
}


def make(folder, seed=0, **changes):
    part = Part(
        class_path="stages.corpora.spoken_numbers.SpokenNumbers", init_args={**SMALL, **VOICES, **changes}
    )
    folder.mkdir()
    return list(part.build().utterances(folder, folder, seed))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    return make(tmp_path_factory.mktemp("spoken") / "audio")


def bytes_of(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def samples_of(utterance):
    samples, rate = soundfile.read(utterance.audio)
    start = round(utterance.offset_seconds * rate)
    return samples[start : start + round(utterance.duration_seconds * rate)]


def words_of(rows):
    return {(row.id, row.text) for row in rows}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(spoken, tmp_path):
    again, other = make(tmp_path / "again"), make(tmp_path / "other", seed=1)
    first = bytes_of(spoken[0].audio.parent)
    assert bytes_of(tmp_path / "again") == first
    assert words_of(again) == words_of(spoken)
    assert not set(bytes_of(tmp_path / "other").values()) & set(first.values())
    assert words_of(other) != words_of(spoken)


def test_a_breathy_voice_does_not_depend_on_the_clock():
    first = speak("en-us+f5", [Prompt("seven")])
    time.sleep(1.1)  # espeak-ng uses the time in seconds as its default seed
    assert speak("en-us+f5", [Prompt("seven")]) == first


def test_a_larger_corpus_says_what_a_smaller_one_says_and_more(spoken, tmp_path):
    assert words_of(spoken) < words_of(make(tmp_path / "larger", num_train=10))


def test_every_split_has_its_size_and_its_own_voices(spoken):
    rows = {split: [row for row in spoken if row.split == split] for split in ("train", "validation", "test")}
    assert [len(found) for found in rows.values()] == [8, 3, 3]
    for split, found in rows.items():
        assert {row.speaker for row in found} == set(VOICES[f"{split}_voices"])


def test_ids_are_unique_and_every_voice_is_one_file(spoken):
    assert len({row.id for row in spoken}) == len(spoken)
    assert {(row.speaker, row.audio.name) for row in spoken} == {
        (voice, f"{voice}.flac") for voices in VOICES.values() for voice in voices
    }


def test_rows_follow_one_another_with_a_gap_and_fill_the_file(spoken):
    for path in {row.audio for row in spoken}:
        end = 0.0
        for row in (row for row in spoken if row.audio == path):
            assert row.offset_seconds == pytest.approx(end)
            end = row.offset_seconds + row.duration_seconds + 0.1
        assert soundfile.info(path).duration == pytest.approx(end, abs=1e-3)


def test_rows_hold_speech_that_is_neither_clipped_nor_framed_by_silence(spoken):
    for row in spoken:
        samples = samples_of(row)
        peak = np.abs(samples).max()
        assert 0.15 < peak < 0.75  # -15 to -3 dB relative to full scale, plus noise
        assert np.sqrt(np.mean(samples**2)) > 0.01
        loud = np.flatnonzero(np.abs(samples) > 0.05 * peak) / SAMPLE_RATE
        assert loud[0] < 0.3
        assert loud[-1] > row.duration_seconds - 0.3


def test_speech_is_as_long_as_its_words(spoken):
    for row in spoken:
        assert 0.15 < row.duration_seconds / len(row.text.split()) < 0.9, row.text


def test_texts_are_lower_case_words(spoken):
    assert all(re.fullmatch("[a-z]+( [a-z]+)*", row.text) for row in spoken)


def test_the_vocabulary_is_small_and_phrases_rarely_repeat():
    generator = np.random.default_rng(0)
    drawn = [phrase(generator) for _ in range(2000)]
    assert 60 <= len({word for text in drawn for word in text.split()}) <= 80
    assert len(set(drawn[1000:]) & set(drawn[:1000])) < 200


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (19, "nineteen"),
        (20, "twenty"),
        (100, "one hundred"),
        (1742, "one thousand seven hundred forty two"),
        (9005, "nine thousand five"),
    ],
)
def test_numbers_are_spelled(number, words):
    assert spell(number) == words


def test_a_variant_in_two_splits_is_refused_before_anything_runs():
    with pytest.raises(ValidationError, match="'m1'"):
        bind(SpokenNumbers, {"test_voices": ["en-us-nyc+m1"]}, {})
    with pytest.raises(ValidationError, match="test_voices"):
        bind(SpokenNumbers, {"test_voices": []}, {})


def test_the_default_voices_share_no_variant():
    SpokenNumbers.check_arguments()


@pytest.mark.parametrize(("voice", "reason"), [("en-us+nobody", "no variant 'nobody'"), ("tlh+m1", "accent")])
def test_an_unknown_voice_is_named(voice, reason):
    with pytest.raises(ValueError, match=reason):
        speak(voice, [Prompt("one")])


def test_every_prompt_gets_its_own_samples():
    slow, fast = speak(
        "en-us+f2", [Prompt("seven", words_per_minute=100), Prompt("seven", words_per_minute=200)]
    )
    assert len(slow) > 1.3 * len(fast)
    assert speak("en-us+f2", []) == []


def test_a_missing_engine_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ValueError, match="speech-synthesis"):
        espeak.speak("en-us+f2", [Prompt("one")])
