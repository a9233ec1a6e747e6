"""N-gram language models in ARPA format, as KenLM, SRILM and ``earshot lm`` write them.

Logarithms are to the base 10. The format: http://www.speech.sri.com/projects/srilm/manpages/ngram-format.5.html
"""

import io
import math
import re
from collections.abc import Iterable
from pathlib import Path

NGrams = dict[str, tuple[float, float]]  # words joined by spaces: log-probability and back-off weight
START, END, UNKNOWN = "<s>", "</s>", "<unk>"


def read_arpa(path: Path, inputs: Path) -> NGrams:
    """Read all n-grams of a file in ``inputs``; ValueError names the file and the wrong line."""
    return parse_arpa(file_content(path, inputs), path)


def file_content(path: Path, inputs: Path) -> bytes:
    """Read the bytes of a file in ``inputs``; ValueError if it is missing or DVC cannot track it."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; put it there, or correct its name")
    if not path.resolve().is_relative_to(inputs.resolve()):
        raise ValueError(f"{path}: links outside {inputs}, where DVC does not see changes; copy the file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: not readable: {error}") from error


def parse_arpa(content: bytes, name: Path | str) -> NGrams:
    """Parse all n-grams of a file's content; ValueError names the file and the wrong line."""
    try:
        ngrams = _read(_Lines(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"), name))
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: not readable as UTF-8 text, as ARPA files must be: {error}") from error
    if missing := {START, END} - ngrams.keys():
        raise ValueError(f"{name}: {' and '.join(sorted(missing))} missing among the 1-grams")
    return ngrams


class _Lines:
    """Iterates over the lines that are not empty, and makes errors about the current line."""

    def __init__(self, stream: Iterable[str], name: Path | str) -> None:
        self.name = name
        self.numbered = enumerate(map(str.strip, stream), 1)
        self.number, self.line = 0, ""

    def next(self) -> str:
        self.number, self.line = next((found for found in self.numbered if found[1]), (0, ""))
        return self.line

    def expect(self, line: str) -> None:
        if self.line != line:
            raise self.error(f"expected {line}")

    def error(self, message: str) -> ValueError:
        where = f", line {self.number}: {message}, found {self.line!r}"
        return ValueError(f"{self.name}{where if self.number else f': {message}, found the end of the file'}")


def _read(lines: _Lines) -> NGrams:
    while lines.next() != "\\data\\":  # lines before it are comments
        if not lines.line:
            raise lines.error("no n-grams in ARPA format: expected \\data\\")
    counts: list[int] = []
    while match := re.fullmatch(r"ngram\s+(\d+)\s*=\s*(\d+)", lines.next()):
        if int(match[1]) != len(counts) + 1:
            raise lines.error(f"expected the number of {len(counts) + 1}-grams")
        counts.append(int(match[2]))
    ngrams: NGrams = {}
    for order, count in enumerate(counts, 1):
        lines.expect(f"\\{order}-grams:")
        for _ in range(count):
            entry = _entry(lines.next(), order)
            if entry is None:
                raise lines.error(f"expected a log-probability, {order} words, and perhaps a back-off weight")
            if entry[0] in ngrams:
                raise lines.error(f"{entry[0]!r} appears twice")
            ngrams[entry[0]] = entry[1:]
        lines.next()
    lines.expect("\\end\\")
    return ngrams


def _entry(line: str, order: int) -> tuple[str, float, float] | None:
    """Return the n-gram, its log-probability and back-off weight; None if the line is not an n-gram."""
    fields = line.split()
    try:
        log_prob, backoff = float(fields[0]), float(fields[order + 1]) if len(fields) == order + 2 else 0.0
    except (ValueError, IndexError):
        return None
    valid = len(fields) - order in (1, 2) and log_prob <= 0 and math.isfinite(log_prob + backoff)
    return (" ".join(fields[1 : order + 1]), log_prob, backoff) if valid else None
