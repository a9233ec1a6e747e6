"""Settings of searches: given values, defaults, and values that are refused."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from stages.commands.language_model import arpa_lines
from stages.schema.nested import Unresolved, built, resolved
from stages.schema.part import Part
from stages.search.ctc_search import CTCSearchPart
from stages.search.decoder_beam import DecoderBeam
from stages.search.decoder_greedy import DecoderGreedy
from stages.search.greedy import Greedy
from stages.search.packed_model import PackedModel
from stages.search.prefix_beam import PrefixBeam
from stages.tokens.characters import Characters

BEAM = "stages.search.prefix_beam.PrefixBeam"
NGRAMS = {"<s>": (-99.0, -0.5), "</s>": (-1.0, 0.0), "a": (-0.25, 0.0), "<s> a": (-0.125, 0.0)}


def defaults(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def test_a_search_that_is_told_nothing_searches_as_it_always_did() -> None:
    assert defaults(PrefixBeam) == {
        "beam_width": 16, "num_best": 1, "cutoff_top_n": 20, "cutoff_prob": 1.0,
        "language_model": None, "alpha": 0.5, "beta": 1.0, "tokens": None, "inputs": None,
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
    with pytest.raises(ValueError, match="alpha and beta need a language_model, but none is set"):
        PrefixBeam.check_arguments(**weights)


def test_a_language_model_is_read_from_the_inputs_once(tmp_path: Path) -> None:
    (tmp_path / "lm.arpa").write_text("".join(arpa_lines(NGRAMS)))
    found = PrefixBeam.resolve(tmp_path, 16000, language_model="lm.arpa", alpha=0.25)
    assert found.keys() == {"language_model", "alpha"}
    assert PackedModel(**found["language_model"]).ngrams() == NGRAMS
    assert found == PrefixBeam.resolve(tmp_path, 16000, language_model="lm.arpa", alpha=0.25), "equal bytes"
    assert PrefixBeam.resolve(tmp_path / "nowhere", 16000, **found) == found
    assert PrefixBeam.resolve(tmp_path, 16000, beam_width=3) == {"beam_width": 3}


def test_a_file_a_checkpoint_s_bytes_and_older_n_grams_are_one_language_model(tmp_path: Path) -> None:
    (tmp_path / "lm.arpa").write_text("".join(arpa_lines(NGRAMS)))
    kept = PrefixBeam.resolve(tmp_path, 16000, language_model="lm.arpa")["language_model"]
    tokens = Characters()
    tokens.fit(["a"])
    for language_model in ("lm.arpa", kept, NGRAMS):
        part = Part(class_path=BEAM, init_args={"language_model": language_model})
        search: PrefixBeam = part.build(tokens=tokens, inputs=tmp_path)
        assert search.words is not None
        assert search.words.ngrams == NGRAMS


@pytest.mark.parametrize("written", ["", "no base64", "QlpoOTFBWSZTWQ==", "aGVsbG8="])
def test_a_damaged_language_model_of_a_checkpoint_is_named(written: str) -> None:
    with pytest.raises(ValueError, match=r"^language_model\.arpa_bz2: "):
        PackedModel(arpa_bz2=written).ngrams()


def test_a_check_reads_a_language_model_and_keeps_its_name(tmp_path: Path) -> None:
    search = {"class_path": BEAM, "init_args": {"language_model": "lm.arpa"}}
    task = Part(class_path="stages.tasks.ctc.CTC", init_args={"search": search})
    with pytest.raises(Unresolved, match=r"lm\.arpa: no such file") as refused:
        resolved(task, tmp_path, 16000, only_check=True)
    assert refused.value.place == ("init_args", "search")
    (tmp_path / "lm.arpa").write_text("".join(arpa_lines(NGRAMS)))
    assert resolved(task, tmp_path, 16000, only_check=True) == task


class Reading(Greedy):
    """A user's search that reads its file when it is built."""

    def __init__(self, file: str, inputs: Path | None = None) -> None:
        assert inputs is not None
        self.text = (inputs / file).read_text()


class Resolving(Greedy):
    """A user's search whose text a checkpoint would keep."""

    def __init__(self, file: str) -> None:
        self.text = file

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, file: str) -> dict[str, str]:
        return {"file": (inputs / file).read_text()}


@pytest.mark.parametrize("name", ["Reading", "Resolving"])
def test_a_search_that_is_not_kept_gets_its_files_either_way(tmp_path: Path, name: str) -> None:
    (tmp_path / "words.txt").write_text("a b")
    part = Part(class_path=f"{__name__}.{name}", init_args={"file": "words.txt"})
    assert built(part, tmp_path, 16000, tokens=None).text == "a b"


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
        ([0.25, 0.5, 0.25], 0.5, [[1]]),  # has the probability already
        ([0.25, 0.5, 0.25], 0.51, [[1], []]),  # the first of equally likely tokens
        ([0.02, 0.95, 0.03], 0.9, [[1]]),
        ([1e-9, 1.0, 1e-9], 1.0, [[1], [], [2]]),  # all, although one rounds to 1 in float32
    ],
)
def test_tokens_are_looked_at_until_they_have_the_share(
    probabilities: list[float], share: float, texts: list[list[int]]
) -> None:
    search = PrefixBeam(beam_width=9, num_best=9, cutoff_prob=share)
    assert ranked(search, probabilities) == texts


def test_the_beam_goes_on_with_its_most_likely_texts_alone() -> None:
    # after the first frame a has 6/10 and "" 4/10; half of each continues with b
    frames = [0.4, 0.6, 0.0], [0.5, 0.0, 0.5]
    assert ranked(PrefixBeam(beam_width=1, num_best=1), *frames) == [[1]]
    assert ranked(PrefixBeam(beam_width=2, num_best=2), *frames) == [[1], [1, 2]]
    assert ranked(PrefixBeam(beam_width=4, num_best=4), *frames) == [[1], [1, 2], [], [2]]


def test_an_utterance_of_no_frame_has_no_token() -> None:
    (found,) = PrefixBeam().ranked(torch.zeros(1, 2, 3), torch.tensor([0]), 0)
    assert found == [[]]


def test_the_tokens_of_a_search_are_those_of_the_training() -> None:
    part = {"class_path": BEAM, "init_args": {"tokens": "own"}}
    with pytest.raises(ValueError, match=r"init_args\.tokens\s+must not be set here: it is train\.tokens"):
        TypeAdapter(CTCSearchPart).validate_python(part)
