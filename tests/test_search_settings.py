"""What searches are told, what they take where they are told nothing, and what they refuse."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from stages.commands.language_model import arpa_lines
from stages.search.ctc_search import CTCSearchPart
from stages.search.decoder_beam import DecoderBeam
from stages.search.decoder_greedy import DecoderGreedy
from stages.search.prefix_beam import PrefixBeam

NGRAMS = {"<s>": (-99.0, -0.5), "</s>": (-1.0, 0.0), "a": (-0.25, 0.0), "<s> a": (-0.125, 0.0)}


def defaults(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def test_a_search_that_is_told_nothing_searches_as_it_always_did() -> None:
    assert defaults(PrefixBeam) == {
        "beam_width": 16, "num_best": 1, "cutoff_top_n": 20, "cutoff_prob": 1.0,
        "language_model": None, "alpha": 0.5, "beta": 1.0, "tokens": None,
    }  # fmt: skip
    assert defaults(DecoderBeam) == {
        "beam_width": 5, "num_best": 1, "length_exponent": 0.6, "max_tokens_per_frame": 1.0,
    }  # fmt: skip
    assert defaults(DecoderGreedy) == {"max_tokens_per_frame": 1.0}
    for search in (DecoderBeam(), DecoderGreedy()):
        assert search.limits(torch.tensor([0, 1, 20])) == [0, 1, 20]


@pytest.mark.parametrize("cls", [PrefixBeam, DecoderBeam])
def test_as_many_texts_as_the_beam_holds_can_be_ranked(cls: Any) -> None:
    width = defaults(cls)["beam_width"]
    cls.check_arguments()
    cls.check_arguments(num_best=width)
    cls.check_arguments(beam_width=1)
    with pytest.raises(ValueError, match=f"num_best {width + 1} is more than beam_width {width}"):
        cls.check_arguments(num_best=width + 1)
    with pytest.raises(ValueError, match="num_best 3 is more than beam_width 2"):
        cls.check_arguments(beam_width=2, num_best=3)


@pytest.mark.parametrize("weights", [{"alpha": 0.0}, {"beta": 0.0}, {"alpha": 1.0, "beta": 1.0}])
def test_weights_need_a_language_model(weights: dict[str, float]) -> None:
    PrefixBeam.check_arguments(language_model="lm.arpa", **weights)
    with pytest.raises(ValueError, match="alpha and beta weigh a language_model, but there is none"):
        PrefixBeam.check_arguments(**weights)


def test_a_language_model_is_read_from_the_inputs_once(tmp_path: Path) -> None:
    (tmp_path / "lm.arpa").write_text("".join(arpa_lines(NGRAMS)))
    found = PrefixBeam.resolve(tmp_path, 16000, language_model="lm.arpa", alpha=0.25)
    assert found == {"language_model": NGRAMS, "alpha": 0.25}
    assert PrefixBeam.resolve(tmp_path / "nowhere", 16000, **found) == found
    assert PrefixBeam.resolve(tmp_path, 16000, beam_width=3) == {"beam_width": 3}


def test_an_arpa_file_has_its_n_grams_by_order_and_sorted() -> None:
    assert "".join(arpa_lines(NGRAMS)).split("\n") == [
        "\\data\\", "ngram 1=3", "ngram 2=1", "",
        "\\1-grams:", "-1\t</s>", "-99\t<s>\t-0.5", "-0.25\ta", "",
        "\\2-grams:", "-0.125\t<s> a", "",
        "\\end\\", "",
    ]  # fmt: skip


def ranked(search: PrefixBeam, *frames: list[float], length: int | None = None) -> list[list[int]]:
    (found,) = search.ranked(torch.tensor([frames]).log(), torch.tensor([length or len(frames)]), 0)
    return found


def test_of_each_frame_the_most_likely_tokens_are_looked_at() -> None:
    frames = [0.1, 0.3, 0.2, 0.4], [0.7, 0.1, 0.1, 0.1]
    texts = [
        ranked(PrefixBeam(beam_width=9, num_best=9, cutoff_top_n=count), *frames, length=1)
        for count in range(1, 5)
    ]
    assert texts == [[[3]], [[3], [1]], [[3], [1], [2]], [[3], [1], [2], []]]
    assert ranked(PrefixBeam(cutoff_top_n=1), *frames) == [[3]]


def test_the_most_likely_token_is_looked_at_however_small_the_share() -> None:
    search = PrefixBeam(beam_width=9, num_best=9, cutoff_prob=1e-9)
    assert ranked(search, [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]) == [[1, 2]]


@pytest.mark.parametrize(
    ("probabilities", "share", "texts"),
    [
        ([0.25, 0.5, 0.25], 0.5, [[1]]),  # which has the share already
        ([0.25, 0.5, 0.25], 0.51, [[1], []]),  # of equally likely ones the first
        ([0.02, 0.95, 0.03], 0.9, [[1]]),
        ([1e-9, 1.0, 1e-9], 1.0, [[1], [], [2]]),  # all of them, though one has all that float32 can tell
    ],
)
def test_tokens_are_looked_at_until_they_have_the_share(
    probabilities: list[float], share: float, texts: list[list[int]]
) -> None:
    search = PrefixBeam(beam_width=9, num_best=9, cutoff_prob=share)
    assert ranked(search, probabilities) == texts


def test_the_beam_goes_on_with_its_most_likely_texts_alone() -> None:
    # after the first frame a has 6/10 and nothing 4/10; half of each goes on with b
    frames = [0.4, 0.6, 0.0], [0.5, 0.0, 0.5]
    assert ranked(PrefixBeam(beam_width=1, num_best=1), *frames) == [[1]]
    assert ranked(PrefixBeam(beam_width=2, num_best=2), *frames) == [[1], [1, 2]]
    assert ranked(PrefixBeam(beam_width=4, num_best=4), *frames) == [[1], [1, 2], [], [2]]


def test_an_utterance_of_no_frame_has_no_token() -> None:
    (found,) = PrefixBeam().ranked(torch.zeros(1, 2, 3), torch.tensor([0]), 0)
    assert found == [[]]


def test_the_tokens_of_a_search_are_those_of_the_training() -> None:
    part = {"class_path": "stages.search.prefix_beam.PrefixBeam", "init_args": {"tokens": "own"}}
    with pytest.raises(ValueError, match=r"init_args\.tokens\s+not written here: it is train\.tokens"):
        TypeAdapter(CTCSearchPart).validate_python(part)
