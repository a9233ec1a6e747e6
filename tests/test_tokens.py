"""Every vocabulary of stages/tokens, found automatically; then characters."""

from typing import Any

import pytest
from family import classes_of, part_of

from stages.schema.part import Part, parameters_of
from stages.tokens.characters import Characters
from stages.tokens.chords import Chords
from stages.tokens.normalization import Normalization
from stages.tokens.subwords import Subwords
from stages.tokens.tokens import BLANK, Tokens

ALL = classes_of(Tokens)
VOCABULARIES = [cls for cls in ALL if "blank" in parameters_of(cls)]  # those of text
# as in the index of a split, with the labels of every task
ROWS: list[dict[str, Any]] = [
    {"text": "turn on the light", "phonemes": "t ɜ n", "language": "en",
     "chord_type": "major", "root": "C", "bass_note": "E"},
    {"text": "seven", "phonemes": "s ɛ v ə n", "language": "en",
     "chord_type": "min7", "root": "A#", "bass_note": "A#"},
]  # fmt: skip
TEXTS = ["turn on the light", "Caf\u00e9  au lait ", "na\u00efve \u03b3\u03b5\u03b9\u03ac"]
E_ACUTE, E_AND_ACUTE = "\u00e9", "e\u0301"


@pytest.fixture(params=["first", "last"])
def blank(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=VOCABULARIES, ids=lambda cls: cls.__name__)
def fitted(request: pytest.FixtureRequest, blank: str) -> Tokens:
    vocabulary: Tokens = request.param(blank=blank)
    vocabulary.fit(TEXTS)
    return vocabulary


def characters(vocabulary: list[str], **arguments: str) -> Characters:
    restored = Characters(**arguments)  # type: ignore[arg-type]
    restored.restore(vocabulary)
    return restored


def test_the_vocabularies_are_found() -> None:
    assert {Characters, Subwords} <= set(VOCABULARIES)
    assert {Characters, Chords} <= set(ALL)


@pytest.mark.parametrize("cls", ALL)
def test_what_utterances_say_comes_back_from_its_tokens(cls: type[Tokens]) -> None:
    tokens: Tokens = part_of(cls).build()
    said = tokens.transcripts(ROWS)
    tokens.fit(said)
    restored: Tokens = part_of(cls).build()
    restored.restore(tokens.vocabulary)
    restored.restore_state(tokens.state())
    for text in said:
        indices = tokens.encode(text)
        assert indices
        assert set(indices) <= set(range(len(tokens.vocabulary)))
        assert tokens.decode(indices) == tokens.normalize(text)
        assert (tokens.unknown(text), tokens.encode_known(text)) == ([], indices)
        assert (restored.encode(text), restored.decode(indices)) == (indices, tokens.decode(indices))


@pytest.mark.parametrize("cls", ALL)
def test_tokens_are_fitted_alike_in_any_order_and_restored_in_none_but_their_own(cls: type[Tokens]) -> None:
    tokens: Tokens = part_of(cls).build()
    said = tokens.transcripts(ROWS)
    tokens.fit(said)
    vocabulary = tokens.vocabulary
    tokens.fit(said[::-1])
    assert tokens.vocabulary == vocabulary
    with pytest.raises(ValueError, match="vocabulary"):
        part_of(cls).build().restore([*vocabulary, vocabulary[-1]])


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_normalised(fitted: Tokens, text: str) -> None:
    assert fitted.decode(fitted.encode(text)) == fitted.normalize(text)


@pytest.mark.parametrize("text", TEXTS)
def test_normalising_twice_changes_nothing(fitted: Tokens, text: str) -> None:
    once = fitted.normalize(text)
    assert fitted.normalize(once) == once


def test_the_spelling_that_is_exported_makes_the_same_text(fitted: Tokens) -> None:
    everything = [index for index in range(len(fitted.vocabulary)) if index != fitted.blank_index]
    for indices in ([], everything, everything[::-1], everything * 2):
        spelled = fitted.spelling.join(fitted.vocabulary[index] for index in indices)
        assert spelled == fitted.decode(indices)


def test_no_text_is_encoded_with_the_blank(fitted: Tokens) -> None:
    assert all(fitted.blank_index not in fitted.encode(text) for text in TEXTS)


def test_the_blank_is_where_it_was_asked_for(fitted: Tokens, blank: str) -> None:
    assert fitted.vocabulary[fitted.blank_index] == BLANK
    assert fitted.blank_index == (0 if blank == "first" else len(fitted.vocabulary) - 1)


def test_the_tokens_beside_the_blank_are_sorted_and_distinct(fitted: Tokens) -> None:
    others = [token for token in fitted.vocabulary if token != BLANK]
    assert others == sorted(set(others))


def test_the_order_of_the_texts_does_not_matter(fitted: Tokens) -> None:
    before = fitted.vocabulary
    fitted.fit(TEXTS[::-1])
    assert fitted.vocabulary == before


def test_a_restored_vocabulary_encodes_like_the_fitted_one(fitted: Tokens, blank: str) -> None:
    restored = type(fitted)(blank=blank)  # type: ignore[arg-type]
    restored.restore(fitted.vocabulary)
    restored.restore_state(fitted.state())
    assert [restored.encode(text) for text in TEXTS] == [fitted.encode(text) for text in TEXTS]


def test_composed_and_decomposed_letters_are_the_same(fitted: Tokens) -> None:
    assert fitted.encode(f"Caf{E_AND_ACUTE}") == fitted.encode(f"Caf{E_ACUTE}")


def test_nothing_is_no_token(fitted: Tokens) -> None:
    assert fitted.encode("  ") == []
    assert fitted.decode([]) == ""


def test_unknown_characters_are_named() -> None:
    vocabulary = characters([BLANK, "a", "b"])
    assert vocabulary.unknown("abzax") == ["x", "z"]
    with pytest.raises(ValueError, match="outside the vocabulary: 'x' 'z' in 'abzax'"):
        vocabulary.encode("abzax")


def test_held_out_text_is_encoded_without_what_is_unknown() -> None:
    assert characters([BLANK, "a", "b"]).encode_known("abzax") == [1, 2, 1]


def test_characters_are_the_letters_of_the_texts_and_the_space() -> None:
    vocabulary = Characters()
    vocabulary.fit(["be a", "CAB"])
    assert vocabulary.vocabulary == [BLANK, " ", "a", "b", "c", "e"]
    assert vocabulary.encode("Cab") == [4, 2, 3]


def test_an_alphabet_is_the_vocabulary_in_its_own_order(blank: str) -> None:
    vocabulary = Characters(blank=blank, alphabet="' cab")  # type: ignore[arg-type]
    vocabulary.fit(["a cab"])
    others = ["'", " ", "c", "a", "b"]
    assert vocabulary.vocabulary == ([BLANK, *others] if blank == "first" else [*others, BLANK])
    with pytest.raises(ValueError, match="outside the vocabulary: 'd' in 'bad'"):
        vocabulary.encode("bad")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alphabet": "abca"}, "alphabet: duplicated 'a'"),
        ({"alphabet": "abC"}, "alphabet: 'C' never occurs in texts with this normalization"),
        ({"alphabet": ""}, "at least 1"),
    ],
)
def test_an_alphabet_that_cannot_be_written_is_refused(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Part(class_path="stages.tokens.characters.Characters", init_args=arguments).build()


@pytest.mark.parametrize(("case", "text"), [("lower", "a b"), ("upper", "A B"), ("keep", "A b")])
def test_case_is_folded_as_asked(case: str, text: str) -> None:
    assert Characters(normalization=Normalization(case=case)).normalize(" A  b") == text  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["\u0130stanbul", "Stra\u00dfe", "\ufb01n", "\u1e9eE", E_AND_ACUTE.upper()])
@pytest.mark.parametrize("case", ["lower", "upper"])
def test_letters_that_change_when_their_case_does_stay_normal(text: str, case: str) -> None:
    vocabulary = Characters(normalization=Normalization(case=case))  # type: ignore[arg-type]
    once = vocabulary.normalize(text)
    assert vocabulary.normalize(once) == once


@pytest.mark.parametrize(
    ("vocabulary", "blank"),
    [
        ([BLANK, "a", "a"], "first"),
        ([BLANK, "a", BLANK], "first"),
        (["a", BLANK, "b"], "first"),
        (["a", "b", BLANK], "first"),
        ([BLANK, "a", "b"], "last"),
        (["a", "b"], "first"),
        ([], "last"),
    ],
)
def test_duplicates_or_a_misplaced_blank_are_refused(vocabulary: list[str], blank: str) -> None:
    with pytest.raises(ValueError, match=f"vocabulary needs distinct tokens and {BLANK} {blank}"):
        characters(vocabulary, blank=blank)


def test_the_saved_order_decides_what_is_decoded() -> None:
    assert characters([BLANK, "a", "b", "c"]).decode([3, 1, 2]) == "cab"
    assert characters([BLANK, "c", "a", "b"]).decode([3, 1, 2]) == "bca"
