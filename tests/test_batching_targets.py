"""Token indices of a split in one array."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.batching import targets
from stages.batching.targets import Targets, encoded, transcripts
from stages.tokens.characters import Characters

TEXTS = ["ab", "", "b", "abba", "a"]
IDS = pa.array([f"u{number}" for number in range(5)])


@pytest.fixture
def tokens() -> Characters:
    made = Characters()
    made.fit(["ab"])
    return made  # the blank 0, a and b


@pytest.fixture(params=[1, 2, 5, 50_000])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of texts encoded at a time."""
    monkeypatch.setattr(targets, "CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
def test_each_utterance_has_the_indices_of_its_own_text(tokens: Characters) -> None:
    found = encoded(tokens, IDS, pa.array(TEXTS, pa.large_string()), held_out=False)
    a, b = tokens.encode("ab")
    assert len(found) == 5
    assert [found[position] for position in range(5)] == [[a, b], [], [b], [a, b, b, a], [a]]
    assert list(found) == [found[position] for position in range(5)]
    assert found[-1] == [a]


@pytest.mark.usefixtures("chunk")
def test_transcripts_are_those_that_the_tokens_make_of_the_index(tokens: Characters) -> None:
    index = pa.table({"id": IDS, "text": TEXTS})
    assert transcripts(tokens, index).to_pylist() == TEXTS
    assert transcripts(tokens, index).type == pa.large_string()
    assert transcripts(tokens, index.slice(0, 0)).to_pylist() == []


def test_some_of_them_are_a_view(tokens: Characters) -> None:
    found = encoded(tokens, IDS, pa.array(TEXTS), held_out=False)
    some = found.take(np.array([3, 0]))
    assert isinstance(found[1:3], Targets)
    assert (list(some), list(found[1:3])) == ([found[3], found[0]], [[], found[2]])
    assert some.flat is found.flat


@pytest.mark.usefixtures("chunk")
def test_a_token_outside_the_vocabulary_is_refused_with_its_utterance_or_left_out(tokens: Characters) -> None:
    texts = pa.array(["ab", "a", "b", "axb", "x"])
    with pytest.raises(ValueError, match=r"\Autterance u3: .*x"):
        encoded(tokens, IDS, texts, held_out=False)
    found = encoded(tokens, IDS, texts, held_out=True)
    assert (found[3], found[4]) == (found[0], [])


@pytest.mark.parametrize(("size", "dtype"), [(2**16, np.uint16), (2**16 + 1, np.int32)])
def test_indices_take_as_few_bytes_as_the_vocabulary_allows(size: int, dtype: Any) -> None:
    class Last(Characters):
        """A text is the last token."""

        def encode(self, text: str) -> list[int]:
            return [len(self.vocabulary) - 1]

    tokens = Last()
    tokens.vocabulary = [str(number) for number in range(size)]
    found = encoded(tokens, IDS, pa.array(TEXTS), held_out=False)
    assert found.flat.dtype == dtype
    assert found[4] == [size - 1]


def test_a_split_without_utterances_has_no_targets(tokens: Characters) -> None:
    assert list(encoded(tokens, IDS.slice(0, 0), pa.array([], pa.string()), held_out=False)) == []
