"""Normalisation of texts by rules of Unicode: one spelling for typographic variants."""

import sys
import unicodedata
from typing import Any

import pytest

from stages.schema.part import Part, bind
from stages.tokens.characters import Characters
from stages.tokens.normalization import Case, Normalization
from stages.tokens.subwords import Subwords

EVERY_CHARACTER = " ".join(
    f"0{character}0"
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) not in ("Cn", "Co", "Cs")  # without a meaning
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("  Two\u00a0 words\n", "two words"),
        ("cafe\u0301", "caf\u00e9"),
        ("\ufb01ne \uff21\uff42\uff11", "fine ab1"),
        ("\u2018tis \u201cit\u201d, isn\u2019t it\u2026", "'tis \"it\", isn't it..."),
        ("well\u2014so 3\u20135 co\u2010op", "well - so 3 - 5 co-op"),
        ("so\u00adft \u202bleft\u202c \ufeffmark", "soft left mark"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("\ufefb", "\u0644\u0627"),  # Arabic lam with alef as one presentation form
        ("I \u2764\ufe0f it", "i \u2764 it"),  # what asks for an emoji in colour
        ("\u845b\U000e0100 a\u034f\u0308", "\u845b \u00e4"),  # for one form of an ideograph; joins marks
        ("\u0149", "'n"),
        ("t\u02b0", "t\u02b0"),  # a phone, not t and h
    ],
)
def test_what_no_voice_tells_apart_is_written_alike(text: str, written: str) -> None:
    assert Normalization()(text) == written


def test_version_0_leaves_every_character_but_composes() -> None:
    assert Normalization(version=0)("\ufb01ne caf e\u0301 \u2019") == "\ufb01ne caf \u00e9 \u2019"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Hello, world!", "hello world"),
        ("'Rock 'n' roll'", "rock n roll"),
        ("isn\u2019t well-known -- so \u2014 it's", "isn't well-known so it's"),
        ("3.5 % & 10-20 \u20ac", "3 5 10-20"),
        (
            "\u0928\u092e\u0938\u094d\u0924\u0947\u0964",
            "\u0928\u092e\u0938\u094d\u0924\u0947",
        ),  # Hindi vowel signs stay
        ("\u00bfQu\u00e9? \U0001f600", "qu\u00e9"),
        ("I \u2764\ufe0f you", "i you"),
        ("a \u0301 b \u2665\u0308 -\u0301c d-\u0301-e f'\u0301", "a b c d e f"),  # marks on nothing
        ("x\u0331\u0301 1\u0308", "x\u0331\u0301 1\u0308"),
        (
            "\u09b0\u200d\u09cd\u09af\u09be\u09ac",
            "\u09b0\u200d\u09cd\u09af\u09be\u09ac",
        ),  # Bengali, behind a joiner
        ("\u0628\u064e\u0651\u060c", "\u0628\u064e\u0651"),
        ("...", ""),
    ],
)
def test_punctuation_gives_way_to_spaces_but_within_words(text: str, written: str) -> None:
    assert Normalization(punctuation="remove")(text) == written


def test_replacements_come_before_punctuation_goes_the_longest_first() -> None:
    spoken = Normalization(
        punctuation="remove", replacements={"%": " percent", "&": " and ", "dr.": "doctor"}
    )
    assert spoken("Dr. B&B: 5%") == "doctor b and b 5 percent"
    assert Normalization(replacements={"a": "x", "ab": "y"})("ab a") == "y x"


def test_a_mark_is_replaced_by_another_where_marks_on_nothing_go() -> None:
    write = Normalization(punctuation="remove", replacements={"\u064b": "\u064e"})  # Arabic vowels
    assert write("\u0628\u064b") == "\u0628\u064e"
    with pytest.raises(ValueError, match="would be changed again"):
        Normalization(punctuation="remove", replacements={"\u064b": "\u064b\u064e"})


@pytest.mark.parametrize("text", ["a b", "a  b", "a\u00a0b", "a\nb", "A \u200b b"])
def test_a_space_in_what_is_replaced_is_any_space(text: str) -> None:
    assert Normalization(replacements={"a b": "c"})(text) == "c"


@pytest.mark.parametrize(
    ("replacements", "text", "written"),
    [
        ({"mr": "mister"}, "mr mrs hmr (Mr) mr-x 'mr'", "mister mrs hmr (mister) mister-x 'mister'"),
        ({"re": "about", "isn": "x"}, "re we're we\u2019re isn't", "about we're we're isn't"),
        ({"dr.": "doctor"}, "dr. mdr.", "doctor mdr."),
        ({"1st": "first"}, "1st 11st 1st2", "first 11st 1st2"),
        ({"%": " percent", "&": " and "}, "5% R&B", "5 percent r and b"),
        ({"no.": "number"}, "no.5 piano.", "number5 piano."),
        ({"et": "and"}, "et me\u0301t e\u0301t et_et", "and m\u00e9t \u00e9t and_and"),
        ({"\u0915\u092e": "k"}, "\u0915\u092e \u0915\u092e\u093f", "k \u0915\u092e\u093f"),  # with a mark
        ({"\u0645\u06cc": "x"}, "\u0645\u06cc \u0645\u06cc\u200c\u062e", "x \u0645\u06cc\u200c\u062e"),
        ({"aa": "a"}, "aa aaaa aa", "a aaaa a"),
        ({"a b": "c"}, "a bb a b", "a bb c"),
    ],
)  # fmt: skip
def test_several_characters_are_replaced_as_whole_words(
    replacements: dict[str, str], text: str, written: str
) -> None:
    write = Normalization(replacements=replacements)
    assert write(text) == written
    assert write(written) == written


@pytest.mark.parametrize(
    ("replacements", "text", "written"),
    [
        ({"\u0451": "\u0435"}, "\u0401\u0436 \u043d\u0435\u0451", "\u0435\u0436 \u043d\u0435\u0435"),
        ({"\u0451": "\u0435"}, "\u0435\u0308\u0436", "\u0435\u0436"),  # composed before
        ({"\u00df": "ss"}, "Stra\u00dfe", "strasse"),
        ({"\u0623": "\u0627"}, "\u0623\u064e\u0628", "\u0627\u064e\u0628"),  # with its vowel
        ({"\u064e": ""}, "\u0628\u0651\u064e", "\u0628\u0651"),
        ({"&": " and "}, "R&B", "r and b"),
        ({"a": "x", "a b": "c"}, "a bb a b", "x bb c"),
    ],
)
def test_a_single_character_is_replaced_within_words_too(
    replacements: dict[str, str], text: str, written: str
) -> None:
    assert Normalization(replacements=replacements)(text) == written


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"case": "weird"}, "case: expected 'lower' or 'upper' or 'keep', found 'weird'"),
        ({"punctuation": None}, "punctuation: expected 'keep' or 'remove', found None"),
        ({"version": 2}, "version: expected 0 or 1, found 2"),
    ],
)
def test_values_that_there_are_not_are_refused_wherever_they_come_from(
    written: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Normalization(**written)


@pytest.mark.parametrize(
    ("replacements", "message"),
    [
        ({"Dr.": "doctor"}, r"replacements: 'Dr\.' never occurs with case: lower and version: 1"),
        ({"\ufb01": "fi"}, "never occurs"),
        ({"": "a"}, "'' never occurs"),
        ({"a": "a a"}, "'a a', for 'a', would be changed again, to 'a a a a'"),
        ({"%": "%%"}, "'%%', for '%', would be changed again, to '%%%%'"),
        ({"a  b": "c"}, "'a  b' never occurs"),
        ({"&": "And"}, "'And', for '&', would be changed again, to 'and'"),
        ({"a": 5}, "replacements: expected a text for 'a', found 5"),
    ],
)
def test_replacements_that_cannot_work_are_refused(replacements: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Normalization(replacements=replacements)


def test_what_a_text_may_hold_does_not_depend_on_other_replacements() -> None:
    write = Normalization(replacements={"0": " zero ", "ß": "ss", "ab": "c"})
    assert [character for character in "ab0ß" if write.writes(character)] == ["a", "b"]


@pytest.mark.parametrize("case", ["lower", "upper", "keep"])
@pytest.mark.parametrize("punctuation", ["keep", "remove"])
@pytest.mark.parametrize("version", [0, 1])
def test_a_written_text_stays_as_it_is_whatever_characters_it_has(
    case: Case, punctuation: Any, version: Any
) -> None:
    write = Normalization(case=case, punctuation=punctuation, version=version)
    once = write(EVERY_CHARACTER)
    assert write(once) == once


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"case": "title"}, r"init_args\.normalization\.case"),
        ({"punctation": "remove"}, r"init_args\.normalization\.punctation"),
        ({"replacements": {"A": "b"}}, r"init_args\.normalization.*'A' never occurs"),
    ],
)
def test_a_normalization_is_checked_as_params_yaml_is(written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"(?s){message}"):
        bind(Characters, {"normalization": written}, {})


@pytest.mark.parametrize("tokens", [Characters, Subwords])
def test_tokens_write_as_they_are_told(tokens: type) -> None:
    part = Part(
        class_path=f"{tokens.__module__}.{tokens.__name__}",
        init_args={"normalization": {"case": "upper", "punctuation": "remove"}},
    )
    assert part.build().normalize("Hello, world") == "HELLO WORLD"


@pytest.mark.parametrize("turned", [False, True], ids=["short keys first", "long keys first"])
@pytest.mark.parametrize(
    ("replacements", "text", "written"),
    [
        ({"new york": "ny", "new york city": "nyc"}, "new york city, new york", "nyc, ny"),
        ({"dr": "drive", "dr.": "doctor"}, "dr. who on mill dr", "doctor who on mill drive"),
        ({"st.": "saint", "st. ives": "st ives"}, "st. ives, st. john", "st ives, saint john"),
        ({"->": " to ", "->>": " on to "}, "a->b->>c", "a to b on to c"),
        ({"+": " plus ", "++": " more "}, "a+b++", "a plus b more"),
        ({"a": "x", "aa": "y", "aaa": "z"}, "a aa aaa", "x y z"),
    ],
)
def test_where_several_replacements_fit_the_longest_is_made_whatever_order_they_are_written_in(
    replacements: dict[str, str], text: str, written: str, turned: bool
) -> None:
    items = list(replacements.items())
    assert Normalization(replacements=dict(items[::-1] if turned else items))(text) == written
