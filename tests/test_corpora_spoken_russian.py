"""Synthesised Russian: what test_corpora.py does not check for every corpus."""

import re
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from stages.corpora.spoken_russian import SpokenRussian
from stages.schema.part import bind
from stages.synthesis.russian_phrases import russian_phrase
from stages.tokens.espeak_phones import phones_of


def phrases(count: int) -> list[str]:
    generator = np.random.default_rng(0)
    return [russian_phrase(generator) for _ in range(count)]


def test_sentences_are_lower_case_words_and_rarely_repeat() -> None:
    drawn = phrases(2000)
    assert all(re.fullmatch("[\u0430-\u044f\u0451]+( [\u0430-\u044f\u0451]+)*", text) for text in drawn)
    assert len(set(drawn[1000:]) & set(drawn[:1000])) < 50


def test_they_hold_the_phones_of_russian() -> None:
    phones = {phone for text in phones_of(phrases(1000), "ru").values() for phone in text.split()}
    assert {
        "p",
        "p\u02b2",
        "t\u0283\u02b2",
        "\u0283",
        "\u0292",
        "\u0255",
        "ts",
        "y",
        "x",
        "r\u02b2",
    } <= phones
    assert 40 <= len(phones) <= 60


def test_rows_say_their_language_and_their_voice(tmp_path: Path) -> None:
    voices = {"train_voices": ("ru+m1",), "validation_voices": ("ru+m3",), "test_voices": ("ru+f3",)}
    corpus = SpokenRussian(num_train=2, num_validation=1, num_test=1, **voices)
    rows = list(corpus.utterances(tmp_path, tmp_path, seed=0))
    assert {row.language for row in rows} == {"ru"}
    assert [(row.split, row.speaker) for row in rows] == [
        ("train", "ru+m1"), ("train", "ru+m1"), ("validation", "ru+m3"), ("test", "ru+f3"),
    ]  # fmt: skip


def test_a_voice_is_heard_in_one_split() -> None:
    SpokenRussian.check_arguments()
    with pytest.raises(ValidationError, match="'m1'"):
        bind(SpokenRussian, {"test_voices": ["ru+m1"]}, {})
