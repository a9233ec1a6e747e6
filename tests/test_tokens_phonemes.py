"""Phonemes: from labels, a lexicon or espeak-ng; a vocabulary from a file or fitted."""

# ruff: noqa: RUF001 - these are Cyrillic letters and IPA

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stages.schema.nested import Unresolved, resolved
from stages.schema.part import Part
from stages.tokens.espeak_phones import phones_of
from stages.tokens.phonemes import Phonemes
from stages.tokens.tokens import BLANK

HELLO = {"text": "Привет, мир!", "phonemes": None, "language": "ru", "id": "1"}
HELLO_PHONES = "p rʲ i vʲ e t mʲ i r"


def row(**changes: Any) -> dict[str, Any]:
    return {**HELLO, **changes}


def phonemes(inputs: Path, **init_args: Any) -> Phonemes:
    """Built as in training: with the content of the files."""
    part = Part(class_path="stages.tokens.phonemes.Phonemes", init_args=init_args)
    built: Phonemes = resolved(part, inputs, 16000).build()
    return built


def test_espeak_tells_the_phones_of_a_row_in_its_language() -> None:
    rows = [HELLO, row(text="hello", language="en-us"), HELLO]
    assert Phonemes().transcripts(rows) == [HELLO_PHONES, "h ə l oʊ", HELLO_PHONES]


def test_the_language_of_the_tokens_comes_before_the_rows_own() -> None:
    assert Phonemes(language="ru").transcripts([row(language=None)]) == [HELLO_PHONES]
    assert Phonemes(language="ru").transcripts([row(language="rus")]) == [HELLO_PHONES]
    with pytest.raises(
        ValueError,
        match=r"utterance 1 has neither phonemes nor a language.* set train\.tokens\.init_args\.lang",
    ):
        Phonemes().transcripts([row(language=None)])


def test_labels_of_the_manifest_come_before_everything_else() -> None:
    assert Phonemes(lexicon={}).transcripts([row(phonemes="p r i")]) == ["p r i"]


def test_a_phone_of_several_characters_is_one_token() -> None:
    tokens = Phonemes()
    tokens.fit(tokens.transcripts([HELLO]))
    assert tokens.vocabulary == [BLANK, "e", "i", "mʲ", "p", "r", "rʲ", "t", "vʲ"]
    assert tokens.decode(tokens.encode(HELLO_PHONES)) == HELLO_PHONES


def test_stress_is_kept_only_if_asked_for() -> None:
    assert phones_of(["мама"], "ru") == {"мама": "m ɑ m a"}
    assert phones_of(["мама"], "ru", stress=True) == {"мама": "m ˈɑ m a"}


def test_phones_do_not_depend_on_what_else_is_asked() -> None:
    texts = ["щука", "подъезд", "двадцать пять", "hello мир"]
    together = phones_of(texts, "ru")
    assert together == {text: phones_of([text], "ru")[text] for text in texts}
    assert "(" not in together["hello мир"]  # espeak-ng's marks of a foreign word


def test_a_language_that_espeak_does_not_know_is_named() -> None:
    with pytest.raises(ValueError, match="espeak-ng, voice 'xx'"):
        Phonemes().transcripts([row(language="xx")])


def test_without_espeak_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ValueError, match=r"install the extra\s+speech-synthesis"):
        Phonemes().transcripts([HELLO])


def test_a_text_without_phones_is_named() -> None:
    with pytest.raises(ValueError, match=r"utterance 1: '\.\.\.' has no phones"):
        Phonemes().transcripts([row(text="...")])


def test_a_lexicon_spells_words_whatever_their_case_and_punctuation(tmp_path: Path) -> None:
    (tmp_path / "ru.dict").write_text("Привет\tp rʲ i vʲ e t\nмир m i r\nмир M I R\n", encoding="utf-8")
    tokens = phonemes(tmp_path, lexicon="ru.dict")
    assert tokens.transcripts([row(text="«ПРИВЕТ»,  мир…")]) == ["p rʲ i vʲ e t m i r"]
    with pytest.raises(ValueError, match=r"train\.tokens\.init_args\.lexicon lacks 1 words, дом: add them"):
        tokens.transcripts([row(text="дом")])


def test_words_of_a_lexicon_have_marks_apostrophes_and_hyphens() -> None:
    words = ["что-то", "за\u0301мок", "l'eau", "हिन्दी"]
    tokens = Phonemes(lexicon={word: f"w{number}" for number, word in enumerate(words)})
    assert tokens.transcripts([row(text="- Что-то, 'за\u0301мок' (L'eau) हिन्दी.")]) == ["w0 w1 w2 w3"]


def test_a_lexicon_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "ru.dict").write_text("мир m i r\nдом\n", encoding="utf-8")
    with pytest.raises(Unresolved, match=r"ru\.dict, line 2: expected a word and its phones"):
        phonemes(tmp_path, lexicon="ru.dict")


@pytest.mark.parametrize("content", [["[PAD]", "|", "t", "a"], {"a": 3, "|": 1, "[UNK]": 0, "t": 2}])
@pytest.mark.parametrize("blank", ["first", "last"])
def test_a_vocabulary_file_gives_phones_in_its_order(content: Any, blank: str, tmp_path: Path) -> None:
    (tmp_path / "phones.json").write_text(json.dumps(content))
    tokens = phonemes(tmp_path, vocabulary="phones.json", blank=blank)
    tokens.fit(["a t"])
    assert tokens.vocabulary == ([BLANK, "t", "a"] if blank == "first" else ["t", "a", BLANK])


def test_a_phone_outside_the_vocabulary_is_named_with_an_example(tmp_path: Path) -> None:
    tokens = phonemes(tmp_path, vocabulary=["a", "t"])
    with pytest.raises(ValueError, match=r"train\.tokens\.init_args\.vocabulary lacks e o, as in 't e o'"):
        tokens.fit(["a t", "t e o"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; put it there"),
        ("[", "not JSON"),
        ("[]", "expected a list of phones"),
        ('{"a": "b"}', "expected a list of phones"),
        ('["a b"]', "a phone is one word"),
        ('["a", "a"]', "duplicated 'a'"),
    ],
)
def test_a_vocabulary_file_that_is_none_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    if content:
        (tmp_path / "phones.json").write_text(content)
    with pytest.raises(Unresolved, match=message):
        phonemes(tmp_path, vocabulary="phones.json")


def test_a_file_lies_in_train_inputs() -> None:
    with pytest.raises(ValidationError, match=r"must be relative to train\.inputs"):
        Part(class_path="stages.tokens.phonemes.Phonemes", init_args={"lexicon": "/etc/words"}).build()


def test_what_was_resolved_needs_the_files_no_more(tmp_path: Path) -> None:
    (tmp_path / "ru.dict").write_text("мир m i r\n", encoding="utf-8")
    (tmp_path / "phones.json").write_text('["m", "i", "r"]')
    part = Part(
        class_path="stages.tokens.phonemes.Phonemes",
        init_args={"lexicon": "ru.dict", "vocabulary": "phones.json"},
    )
    portable = Part.model_validate_json(resolved(part, tmp_path, 16000).model_dump_json())
    for path in tmp_path.iterdir():
        path.unlink()
    assert portable.build().transcripts([row(text="мир")]) == ["m i r"]
