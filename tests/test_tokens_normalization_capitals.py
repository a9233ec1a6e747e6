"""Texts in capitals, and edge cases of removed and replaced characters."""

import pytest

from stages.tokens.normalization import Normalization


@pytest.mark.parametrize("case", ["upper", "keep"])
@pytest.mark.parametrize(
    "text",
    [
        "MAX XI EX-X X",  # letters of words, however rare
        "X\u0331A X\u0331\u0301 A X\u0332",  # with marks on them
        "XX\u200cX",  # with a joiner
    ],
)
def test_capitals_are_letters_of_words(case: str, text: str) -> None:
    assert Normalization(case=case, punctuation="remove")(text) == text  # type: ignore[arg-type]


def test_a_sign_is_replaced_among_capitals() -> None:
    assert Normalization(case="upper", replacements={"&": " AND "})("x & XY") == "X AND XY"
    assert Normalization(case="keep", replacements={"ab": "b"})("X ab aX Xab") == "X b aX Xab"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\ufe00 b\ufe0f", "a b"),  # the first and the last of those that ask for a form
        ("a\U000e0100 b\U000e01ef", "a b"),
        ("a\ufdff b\ufe10", "a\ufdff b\ufe10"),  # their neighbours do not
    ],
)
def test_all_of_the_characters_that_ask_for_a_form_are_left_out_and_no_other(text: str, written: str) -> None:
    assert Normalization()(text) == written


@pytest.mark.parametrize(
    ("replacements", "text", "written"),
    [
        ({"m.": "metres"}, "5 m. from am. 5m.", "5 metres from am. 5m."),  # it begins with a letter
        ({"+1": "plus one"}, "a+1 +1 +12", "aplus one plus one +12"),  # with a sign, and ends with a digit
        ({"-)": "smile"}, "a-) -)", "asmile smile"),
        ({"a.": "x", "[b": "y", "^c": "z"}, "a. [b ^c", "x y z"),  # signs that mean something in patterns
        ({"]b": "x", "a": "y"}, "]b a ]", "x y ]"),
    ],
)
def test_replacements_of_letters_and_signs_begin_and_end_where_each_of_them_may(
    replacements: dict[str, str], text: str, written: str
) -> None:
    assert Normalization(replacements=replacements)(text) == written
