"""An n-gram language model of the training transcripts: python -m stages.search.witten_bell FILE

It reads data/manifest/train.json, takes words as train.tokens in params.yaml writes them, and mixes the
probabilities of long n-grams with those of shorter ones (Witten and Bell 1991,
https://doi.org/10.1109/18.87000, method C), which suits few transcripts. FILE is in ARPA format.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from stages.program.outputs import write_whole
from stages.program.verdict import checked_params
from stages.schema.manifest_row import read_manifest
from stages.schema.nested import resolved
from stages.schema.params import Params
from stages.search.arpa import END, START, UNKNOWN, NGrams, arpa_lines
from stages.tokens.tokens import Tokens

MANIFEST = Path("data/manifest/train.json")
NEVER = -99.0  # of the start, which follows nothing

Words = tuple[str, ...]


def witten_bell(sentences: Iterable[list[str]], order: int) -> NGrams:
    """n-grams up to ``order`` words, with log-probabilities and back-off weights to the base 10.

    After a history that was seen c times, with d different words behind it, P(word | history) is
    (c(history word) + d P(word | shorter history)) / (c + d). Without any history all words are alike at
    first, <unk> among them.
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
    """How often each n-gram was seen; none ends in the start."""
    counts: Counter[Words] = Counter({(UNKNOWN,): 0, (END,): 0})
    for words in sentences:
        sentence = (START, *words, END)
        for size in range(1, order + 1):
            ends = range(max(size, 2), len(sentence) + 1)
            counts.update(sentence[end - size : end] for end in ends)
    return counts


def _sentences(params: Params) -> list[list[str]]:
    """The words of the training transcripts, as the tokens have them."""
    part = resolved(params.train.tokens, Path(params.train.inputs), params.features.sample_rate)
    tokens: Tokens = part.build()
    texts = tokens.transcripts([row.model_dump() for row in read_manifest(MANIFEST)])
    return [tokens.normalize(text).split() for text in texts]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.search.witten_bell",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--order", type=int, default=3, choices=range(1, 6), help="3 by default")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        sentences = _sentences(checked_params(given.params))
        ngrams = witten_bell(sentences, given.order)
        write_whole(given.file, "".join(arpa_lines(ngrams)).encode())
    except (ValueError, OSError) as error:
        sys.exit(f"witten_bell: {error}")
    print(f"{given.file}: {len(ngrams)} n-grams of {len(sentences)} transcripts")


if __name__ == "__main__":
    main()
