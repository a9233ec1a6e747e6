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
Endings = tuple[float, float]  # log-probabilities of ending in a blank and in a token
NEVER = (-math.inf, -math.inf)


class PrefixBeam(CTCSearch):
    """Finds the texts with the highest probability, summed over all their alignments.

    After each frame, the ``beam_width`` most likely prefixes are extended by the ``cutoff_top_n`` most likely
    tokens of the next frame, or by fewer, if these reach a total probability of ``cutoff_prob``. ``num_best``
    texts are returned.

    ``language_model`` is an ARPA file of n-grams in ``inputs`` or, in a checkpoint, its content (up to
    version 0.1.0 its n-grams). Texts are then ranked by log P(text | audio) + ``alpha`` * log P(words) +
    ``beta`` * number of words, with natural logarithms; WordScores defines a word.
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
            assert tokens is not None, "a search gets the tokens of its task"
            self.words = WordScores(_ngrams(language_model, inputs), tokens, alpha, beta)

    @staticmethod
    def check_arguments(
        beam_width: int = 16, num_best: int = 1, language_model: object = None, **others: object
    ) -> None:
        if num_best > beam_width:
            raise ValueError(f"num_best {num_best} is more than beam_width {beam_width}")
        if language_model is None and {"alpha", "beta"} & others.keys():
            raise ValueError("alpha and beta need a language_model, but none is set")

    @staticmethod
    def check_inputs(inputs: Path, sample_rate: int, language_model: object = None, **_: object) -> None:
        """Raise ValueError if the file is missing or damaged."""
        if isinstance(language_model, str):
            read_arpa(inputs / language_model, inputs)

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, **init_args: Any) -> dict[str, Any]:
        """Return the arguments with the content of the file, after a check that it is valid."""
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
        """Return the number of most likely tokens to consider in each frame (B, T)."""
        if self.cutoff_prob == 1.0:  # float32 sums may reach 1 too early
            return values.new_full(values.shape[:2], values.shape[2]).long()
        before = values.exp().cumsum(-1) - values.exp()  # (B, T, K)
        return (before < self.cutoff_prob).sum(-1).clamp(min=1)


def _ngrams(language_model: str | PackedModel | NGrams, inputs: Path | None) -> NGrams:
    if isinstance(language_model, PackedModel):
        return language_model.ngrams()
    if isinstance(language_model, str):
        assert inputs is not None, "resolve replaces the file's name by its content"
        return read_arpa(inputs / language_model, inputs)
    return language_model


def prefixes(
    frames: Iterable[Frame], blank_index: int, beam_width: int, words: WordScores | None = None
) -> dict[Prefix, float]:
    """Return the most likely texts with their log-probabilities, or scores with ``words``, the best first."""
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
    """Add the scores of their words and sort: the best first, ties by their tokens."""
    both = zip(found.items(), scores, strict=False)
    totals = sorted((-_sum(*endings) - score, prefix) for (prefix, endings), score in both)
    return [(prefix, -total) for total, prefix in totals]


def _extended(beam: dict[Prefix, Endings], frame: Frame, blank_index: int) -> dict[Prefix, Endings]:
    """Extend the prefixes by one frame, without impossible ones."""
    extended: dict[Prefix, Endings] = defaultdict(lambda: NEVER)
    for prefix, (in_blank, in_token) in beam.items():
        either = _sum(in_blank, in_token)
        for token, log_prob in frame:
            if token == blank_index:
                ending = extended[prefix]
                extended[prefix] = (_sum(ending[0], either + log_prob), ending[1])
                continue
            repeats = prefix[-1:] == (token,)
            before = in_blank if repeats else either  # a repeat without a blank between is not a new token
            longer = (*prefix, token)
            ending = extended[longer]
            extended[longer] = (ending[0], _sum(ending[1], before + log_prob))
            if repeats:
                ending = extended[prefix]
                extended[prefix] = (ending[0], _sum(ending[1], in_token + log_prob))
    return {prefix: endings for prefix, endings in extended.items() if endings != NEVER}


def _context(prefix: Prefix, contexts: dict[Prefix, Context], words: WordScores) -> Context:
    """Return the context of a prefix from the last frame, or of such a prefix plus one token."""
    return contexts.get(prefix) or words.extend(contexts[prefix[:-1]], prefix[-1])


def _sum(first: float, second: float) -> float:
    """Add two probabilities given as logarithms; return the logarithm."""
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
