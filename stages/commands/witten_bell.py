"""N-grams whose probabilities are interpolated with those of shorter ones, which suits few sentences.

Witten and Bell 1991, https://doi.org/10.1109/18.87000, method C.
"""

import math
from collections import Counter
from collections.abc import Iterable

from stages.search.arpa import END, START, UNKNOWN, NGrams

NEVER = -99.0  # the log-probability of the start, which follows nothing

Words = tuple[str, ...]


def witten_bell(sentences: Iterable[list[str]], order: int) -> NGrams:
    """n-grams up to ``order`` words, with log-probabilities and back-off weights to the base 10.

    After a history seen c times, followed by d different words, P(word | history) is
    (c(history word) + d P(word | shorter history)) / (c + d). The recursion ends with a uniform distribution
    over all words, including <unk>.
    """
    counts = _counts(sentences, order)
    follow, distinct = Counter[Words](), Counter[Words]()
    for ngram, count in counts.items():
        follow[ngram[:-1]] += count
        distinct[ngram[:-1]] += count > 0
    weights = {history: distinct[history] / (follow[history] + distinct[history]) for history in follow}
    probabilities: dict[Words, float] = {(): 1 / sum(len(ngram) == 1 for ngram in counts)}
    for ngram in sorted(counts, key=len):
        history = ngram[:-1]
        seen = counts[ngram] / (follow[history] + distinct[history])
        probabilities[ngram] = seen + weights[history] * probabilities[ngram[1:]]
    return {START: (NEVER, math.log10(weights.get((START,), 1.0)))} | {
        " ".join(ngram): (math.log10(probabilities[ngram]), math.log10(weights.get(ngram, 1.0)))
        for ngram in counts
    }


def _counts(sentences: Iterable[list[str]], order: int) -> Counter[Words]:
    """The count of each n-gram; none ends in the start."""
    counts: Counter[Words] = Counter({(UNKNOWN,): 0, (END,): 0})
    for words in sentences:
        sentence = (START, *words, END)
        for size in range(1, order + 1):
            ends = range(max(size, 2), len(sentence) + 1)
            counts.update(sentence[end - size : end] for end in ends)
    return counts
