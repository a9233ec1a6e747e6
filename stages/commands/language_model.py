"""Write the n-grams of a project's training transcripts in ARPA format."""

from collections.abc import Iterator
from pathlib import Path

from stages.commands.witten_bell import witten_bell
from stages.program.outputs import write_whole
from stages.schema.manifest_row import read_manifest
from stages.schema.nested import resolved
from stages.schema.params import Params
from stages.search.arpa import NGrams
from stages.tokens.tokens import Tokens

MANIFEST = Path("data/manifest/train.json")


def write_language_model(file: Path, params: Params, order: int) -> str:
    """Write n-grams up to ``order`` words; return the numbers of n-grams and transcripts as text."""
    sentences = _sentences(params)
    ngrams = witten_bell(sentences, order)
    write_whole(file, "".join(arpa_lines(ngrams)).encode())
    return f"{len(ngrams)} n-grams of {len(sentences)} transcripts"


def arpa_lines(ngrams: NGrams) -> Iterator[str]:
    """The lines of an ARPA file, with sorted n-grams."""
    orders: dict[int, list[str]] = {}
    for ngram in sorted(ngrams):
        orders.setdefault(ngram.count(" ") + 1, []).append(ngram)
    yield "\\data\\\n"
    yield from (f"ngram {order}={len(orders[order])}\n" for order in sorted(orders))
    for order in sorted(orders):
        yield f"\n\\{order}-grams:\n"
        for ngram in orders[order]:
            log_prob, backoff = ngrams[ngram]
            yield f"{log_prob:.7g}\t{ngram}" + (f"\t{backoff:.7g}\n" if backoff else "\n")
    yield "\n\\end\\\n"


def _sentences(params: Params) -> list[list[str]]:
    """The words of the training transcripts, normalised by the tokens."""
    part = resolved(params.train.tokens, Path(params.train.inputs), params.features.sample_rate)
    tokens: Tokens = part.build()
    texts = tokens.transcripts([row.model_dump() for row in read_manifest(MANIFEST)])
    return [tokens.normalize(text).split() for text in texts]
