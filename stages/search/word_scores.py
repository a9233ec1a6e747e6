"""Language model scores of words, updated token by token (Hannun et al. 2014,
https://arxiv.org/abs/1408.2873).
"""

import math
from typing import NamedTuple

from stages.search.arpa import END, START, UNKNOWN, NGrams
from stages.tokens.tokens import Tokens

OOV_LOG_PROB = -100.0  # to the base 10, of an unknown word if the model has no <unk>, as in KenLM


class Context(NamedTuple):
    """The state of a text: score of its complete words, the last words, and tokens of the unfinished word."""

    score: float
    history: tuple[str, ...]
    unfinished: tuple[int, ...]


class WordScores:
    """``alpha`` times the natural logarithm of a text's probability, plus ``beta`` for each of its words.

    Spaces separate words in the decoded text: words for characters and subwords, phones for phonemes. A word
    counts as soon as it is complete: at the space, at a subword that begins the next word, or at the end of
    the text. The end of the sentence adds its probability, but no ``beta``. ``ngrams`` back off to shorter
    ones (Katz 1987); unknown words have the probability of <unk>.
    """

    def __init__(self, ngrams: NGrams, tokens: Tokens, alpha: float, beta: float) -> None:
        self.ngrams, self.tokens = ngrams, tokens
        self.weight, self.bonus = alpha * math.log(10), beta
        self.length = max(ngram.count(" ") for ngram in ngrams)  # of the history
        words = [ngram for ngram in ngrams if " " not in ngram and ngram not in (START, END, UNKNOWN)]
        if not any(self._can_be_written(word) for word in words):
            raise ValueError(
                f"language_model: none of its words, such as {', '.join(words[:3])}, can be written with the"
                " tokens of the model: does it use another case or other units?"
            )

    def start(self) -> Context:
        return Context(0.0, (START,)[: self.length], ())

    def extend(self, context: Context, token: int) -> Context:
        """Return the context after one more token."""
        unfinished = (*context.unfinished, token)
        text = self.tokens.decode(unfinished)
        words = text.split()
        if text[-1:].isspace():
            unfinished = ()
        elif len(words) < 2:
            return Context(context.score, context.history, unfinished)
        else:
            words.pop()
            unfinished = (token,)
        score, history = self._after(context, words)
        return Context(score, history, unfinished)

    def end(self, context: Context) -> float:
        """Return the score of the complete text, if it ends here."""
        score, history = self._after(context, self.tokens.decode(context.unfinished).split())
        return score + self.weight * self.log_prob(history, END)

    def log_prob(self, history: tuple[str, ...], word: str) -> float:
        """Return the logarithm to the base 10 of the probability of a word after a history."""
        penalty = 0.0
        for first in range(len(history) + 1):
            before = history[first:]
            if found := self.ngrams.get(" ".join((*before, word))):
                return penalty + found[0]
            penalty += self.ngrams.get(" ".join(before), (0.0, 0.0))[1]
        return penalty + OOV_LOG_PROB

    def _after(self, context: Context, words: list[str]) -> tuple[float, tuple[str, ...]]:
        score, history = context.score, context.history
        for word in words:
            known = word if word in self.ngrams else UNKNOWN
            score += self.weight * self.log_prob(history, known) + self.bonus
            history = (*history, known)[-self.length :] if self.length else ()
        return score, history

    def _can_be_written(self, word: str) -> bool:
        return self.tokens.normalize(word) == word and not self.tokens.unknown(word)
