"""Prefix beam search for CTC (Hannun et al. 2014, https://arxiv.org/abs/1408.2873).

B batch, T frames, V vocabulary.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Gt, Le
from torch import Tensor

from stages.schema.params import InputFile
from stages.schema.quantities import NonNegativeFloat, PositiveInt
from stages.search.arpa import NGrams, file_content, parse_arpa, read_arpa
from stages.search.ctc_search import CTCSearch
from stages.search.packed_model import PackedModel
from stages.search.word_scores import Context, WordScores
from stages.tokens.tokens import Tokens

Prefix = tuple[int, ...]
Frame = list[tuple[int, float]]  # tokens and their log-probabilities
Endings = tuple[float, float]  # log-probabilities: ending in a blank, and in a token
NEVER = (-math.inf, -math.inf)


class PrefixBeam(CTCSearch):
    """The texts whose alignments are the most likely together, of which greedy decoding sees one.

    After every frame the ``beam_width`` most likely beginnings go on, with the ``cutoff_top_n`` most likely
    tokens of the next one, or fewer that have ``cutoff_prob`` of its probability together. ``num_best``
    texts are ranked.

    ``language_model`` is a file of n-grams in ARPA format in ``inputs`` or, in a checkpoint, what it holds
    (up to version 0.1.0 its n-grams). Texts are then ranked by log P(text | audio) + ``alpha`` * log P(words)
    + ``beta`` * number of words, with natural logarithms; see WordScores for what a word is.
    """

    def __init__(
        self,
        beam_width: PositiveInt = 16,
        num_best: PositiveInt = 1,
        cutoff_top_n: PositiveInt = 20,
        cutoff_prob: Annotated[float, Gt(0), Le(1)] = 1.0,
        language_model: InputFile | PackedModel | NGrams | None = None,
        alpha: NonNegativeFloat = 0.5,
        beta: float = 1.0,
        tokens: Tokens | None = None,
        inputs: Path | None = None,
    ) -> None:
        self.beam_width = beam_width
        self.num_best = num_best
        self.cutoff_top_n = cutoff_top_n
        self.cutoff_prob = cutoff_prob
        self.words = None
        if language_model is not None:
            assert tokens is not None, "a task's tokens come with its search"
            self.words = WordScores(_ngrams(language_model, inputs), tokens, alpha, beta)

    @staticmethod
    def check_arguments(
        beam_width: int = 16, num_best: int = 1, language_model: object = None, **others: object
    ) -> None:
        if num_best > beam_width:
            raise ValueError(f"num_best {num_best} is more than beam_width {beam_width}")
        if language_model is None and {"alpha", "beta"} & others.keys():
            raise ValueError("alpha and beta weigh a language_model, but there is none")

    @staticmethod
    def check_inputs(inputs: Path, sample_rate: int, language_model: object = None, **_: object) -> None:
        """ValueError if the file is not there, or damaged."""
        if isinstance(language_model, str):
            read_arpa(inputs / language_model, inputs)

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, **init_args: Any) -> dict[str, Any]:
        """The arguments with the file itself, once it was read whole."""
        if isinstance(name := init_args.get("language_model"), str):
            content = file_content(inputs / name, inputs)
            parse_arpa(content, inputs / name)
            init_args["language_model"] = PackedModel.of(content).model_dump()
        return init_args

    def __call__(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[int]]:
        return [ranked[0] for ranked in self.ranked(log_probs, lengths, blank_index)]

    def ranked(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[list[int]]]:
        best = log_probs.topk(min(self.cutoff_top_n, log_probs.shape[-1]))
        kept = self._kept(best.values)
        rows = zip(*(part.tolist() for part in (best.indices, best.values, kept, lengths)), strict=True)
        found = []
        for indices, values, counts, length in rows:
            frames = [
                list(zip(tokens[:count], scores[:count], strict=True))
                for tokens, scores, count in zip(
                    indices[:length], values[:length], counts[:length], strict=True
                )
            ]
            texts = prefixes(frames, blank_index, self.beam_width, self.words)
            found.append([list(prefix) for prefix in list(texts)[: self.num_best]])
        return found

    def _kept(self, values: Tensor) -> Tensor:
        """How many of the tokens, the likely ones first, are looked at in each frame (B, T)."""
        if self.cutoff_prob == 1.0:  # sums of float32 may reach it too early
            return values.new_full(values.shape[:2], values.shape[2]).long()
        before = values.exp().cumsum(-1) - values.exp()  # (B, T, K)
        return (before < self.cutoff_prob).sum(-1).clamp(min=1)


def _ngrams(language_model: str | PackedModel | NGrams, inputs: Path | None) -> NGrams:
    if isinstance(language_model, PackedModel):
        return language_model.ngrams()
    if isinstance(language_model, str):
        assert inputs is not None, "resolve puts the file in the place of its name"
        return read_arpa(inputs / language_model, inputs)
    return language_model


def prefixes(
    frames: Iterable[Frame], blank_index: int, beam_width: int, words: WordScores | None = None
) -> dict[Prefix, float]:
    """The most likely texts with their log-probabilities, or with their scores, the best first."""
    beam: dict[Prefix, Endings] = {(): (0.0, -math.inf)}
    contexts: dict[Prefix, Context] = {(): words.start()} if words else {}
    scores: Iterable[float] = repeat(0.0)
    for frame in frames:
        found = _extended(beam, frame, blank_index)
        if words:
            contexts = {prefix: _context(prefix, contexts, words) for prefix in found}
            scores = [context.score for context in contexts.values()]
        beam = {prefix: found[prefix] for prefix, _ in _ranked(found, scores)[:beam_width]}
    if words:
        scores = [words.end(contexts[prefix]) for prefix in beam]
    return dict(_ranked(beam, scores))


def _ranked(found: dict[Prefix, Endings], scores: Iterable[float]) -> list[tuple[Prefix, float]]:
    """With what their words score added; the best first, equally good ones in the order of their tokens."""
    both = zip(found.items(), scores, strict=False)
    totals = sorted((-_sum(*endings) - score, prefix) for (prefix, endings), score in both)
    return [(prefix, -total) for total, prefix in totals]


def _extended(beam: dict[Prefix, Endings], frame: Frame, blank_index: int) -> dict[Prefix, Endings]:
    """What the prefixes become with one more frame, without what is impossible."""
    extended: dict[Prefix, Endings] = defaultdict(lambda: NEVER)
    for prefix, (in_blank, in_token) in beam.items():
        either = _sum(in_blank, in_token)
        for token, log_prob in frame:
            if token == blank_index:
                ending = extended[prefix]
                extended[prefix] = (_sum(ending[0], either + log_prob), ending[1])
                continue
            repeats = prefix[-1:] == (token,)
            before = in_blank if repeats else either  # a repeat after no blank is no new token
            longer = (*prefix, token)
            ending = extended[longer]
            extended[longer] = (ending[0], _sum(ending[1], before + log_prob))
            if repeats:
                ending = extended[prefix]
                extended[prefix] = (ending[0], _sum(ending[1], in_token + log_prob))
    return {prefix: endings for prefix, endings in extended.items() if endings != NEVER}


def _context(prefix: Prefix, contexts: dict[Prefix, Context], words: WordScores) -> Context:
    """That of a prefix which the last frame led to, or which is one of them and a token more."""
    return contexts.get(prefix) or words.extend(contexts[prefix[:-1]], prefix[-1])


def _sum(first: float, second: float) -> float:
    """The logarithm of the sum of two probabilities that are given as logarithms."""
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
