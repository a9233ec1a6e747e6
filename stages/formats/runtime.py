"""Run an exported model with only numpy and onnxruntime.

N samples, T' output frames, V vocabulary.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from stages.schema.chords import Chord
from stages.tokens.normalization import Normalization
from stages.tokens.spelling import Spelling

CARD_VERSION = 2
INT16_FULL_SCALE = np.float32(32767)
FATAL = 4  # onnxruntime logs only this level here: anything less is raised as an exception

Values = np.ndarray[Any, np.dtype[np.float32]]


class Recognition(NamedTuple):
    """What was recognised; ``confidence`` is the geometric mean of the probabilities of the chosen tokens.

    These are the best token of each frame, blanks included, or a chord's type, root and bass. It ranks
    recordings; it is not the probability of being correct.
    """

    text: str
    confidence: float


class Runtime:
    """The model in a folder that OnnxBundle wrote; ValueError with the invalid file if it is not one.

    It recognises the same as evaluation with greedy search, except for rounding: of float32, or of features
    cached in 16 bits. ``normalization`` turns a text into the form in which the model writes it.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; run the export stage, or name another bundle")
        card, tokens = _read_json(folder / "card.json"), _read_json(folder / "tokens.json")
        if card.get("version") != CARD_VERSION:
            raise ValueError(
                f"{folder / 'card.json'}: expected version {CARD_VERSION}, found {card.get('version')}; run"
                " the export stage of this version of Earshot"
            )
        try:
            self.sample_rate = int(card["sample_rate"])
            self.normalization = Normalization(**card["normalization"])
            self.rounds = card["cached_dtype"] == "int16"
            self.vocabulary = list(map(str, tokens["vocabulary"]))
            self.decoding = DECODINGS[card["decoding"]["kind"]](self.vocabulary, card)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder}: card.json or tokens.json is not valid: {error!r}") from error
        self.session = _session(folder / "model.onnx")
        shapes = {output.name: output.shape for output in self.session.get_outputs()}
        if shapes.get("log_probs", [None])[-1] != len(self.vocabulary):
            raise ValueError(f"{folder}: model.onnx and tokens.json are from different models; export again")

    def recognise(self, samples: Values) -> Recognition:
        """Recognise a complete waveform (N,) at ``sample_rate``; ValueError if the model fails."""
        if not len(samples):
            raise ValueError(f"shorter than one sample at {self.sample_rate} Hz")
        if self.rounds:  # as in the cache of waveforms
            samples = np.rint(np.clip(samples, -1, 1) * INT16_FULL_SCALE) / INT16_FULL_SCALE
        inputs = {"waveforms": samples[None], "lengths": np.array([len(samples)], np.int64)}
        try:
            log_probs, counts = self.session.run(("log_probs", "counts"), inputs)
        except Exception as error:  # onnxruntime's errors have no base class of their own
            raise ValueError(f"the model does not run on it: {_first_line(error)}") from error
        if np.isnan(log_probs).any():
            raise ValueError("the model returns NaN: are its samples far beyond -1 to 1?")
        return self.decoding(log_probs[0, : counts[0]])


class _Decoding(ABC):
    """A task's ``decoding``, applied to log-probabilities (T', V)."""

    @abstractmethod
    def __init__(self, vocabulary: list[str], card: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def __call__(self, log_probs: Values) -> Recognition: ...


class _BestPath(_Decoding):
    """The best token of each frame; repeats are collapsed, then blanks removed."""

    def __init__(self, vocabulary: list[str], card: Mapping[str, Any]) -> None:
        self.vocabulary = vocabulary
        self.blank_index = int(card["blank_index"])
        self.spelling = Spelling(**card["decoding"]["spelling"])

    def __call__(self, log_probs: Values) -> Recognition:
        path = [index for index, _ in groupby(log_probs.argmax(-1).tolist())]
        text = self.spelling.join(self.vocabulary[index] for index in path if index != self.blank_index)
        return Recognition(text, _confidence(log_probs.max(-1)))


class _BestChord(_Decoding):
    """The best type, root and bass, each a group of the vocabulary."""

    def __init__(self, vocabulary: list[str], card: Mapping[str, Any]) -> None:
        self.vocabulary = vocabulary
        ends = np.cumsum(card["decoding"]["group_sizes"]).tolist()
        self.groups = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def __call__(self, log_probs: Values) -> Recognition:
        best = [group.start + int(log_probs[0, group].argmax()) for group in self.groups]
        chord = Chord.of(self.vocabulary[index] for index in best)
        return Recognition(str(chord), _confidence(log_probs[0, best]))


DECODINGS: Mapping[str, type[_Decoding]] = {"ctc": _BestPath, "chord": _BestChord}


def _confidence(log_probs: Values) -> float:
    return float(np.exp(log_probs.mean()))


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; run the export stage")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no base class of their own
        raise ValueError(f"{path}: not a model that onnxruntime reads: {_first_line(error)}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; run the export stage, or name another bundle") from error
    except ValueError as error:  # not UTF-8 or not JSON
        raise ValueError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: not written by the export stage")
    return content


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
