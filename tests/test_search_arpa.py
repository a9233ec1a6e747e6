"""Reading and writing n-grams in ARPA format."""

from pathlib import Path

import pytest

from stages.commands.language_model import arpa_lines
from stages.search.arpa import read_arpa

WRITTEN = """\
made by hand

\\data\\
ngram 1=4
ngram  2 = 2

\\1-grams:
-99\t<s>\t-0.30103
-0.5\t</s>
-0.7 hello -0.2
-1.25\t<unk>

\\2-grams:
-0.1\t<s> hello
-0.4\thello </s>

\\end\\
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lm.arpa"
    path.write_text(text, encoding="utf-8")
    return path


def test_n_grams_have_a_log_probability_and_a_back_off_weight_if_they_are_histories(tmp_path: Path) -> None:
    assert read_arpa(written(tmp_path, WRITTEN), tmp_path) == {
        "<s>": (-99.0, -0.30103),
        "</s>": (-0.5, 0.0),
        "hello": (-0.7, -0.2),
        "<unk>": (-1.25, 0.0),
        "<s> hello": (-0.1, 0.0),
        "hello </s>": (-0.4, 0.0),
    }


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    ngrams = read_arpa(written(tmp_path, WRITTEN), tmp_path)
    assert read_arpa(written(tmp_path, "".join(arpa_lines(ngrams))), tmp_path) == ngrams


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("\\data\\", "data", r"lm\.arpa: no n-grams in ARPA format: expected \\data\\, found the end"),
        ("ngram 1=4\n", "", r"line 4: expected the number of 1-grams, found 'ngram  2 = 2'"),
        ("ngram 1=4", "ngram 1=3", r"line 11: expected \\2-grams:, found '-1.25\\t<unk>'"),
        ("ngram 1=4", "ngram 1=5", r"line 13: expected a log-probability, 1 words, .*found '\\\\2-grams:'"),
        ("\\2-grams:", "\\3-grams:", r"line 13: expected \\2-grams:, found '\\\\3-grams:'"),
        ("-0.7 hello -0.2", "-0.7 hello there -0.2", r"line 10: .*found '-0.7 hello there -0.2'"),
        ("-0.7 hello -0.2", "hello -0.7", r"line 10: expected a log-probability"),
        ("-0.7 hello -0.2", "-0.7", r"line 10: expected a log-probability"),
        ("-0.7 hello -0.2", "0.7 hello -0.2", r"line 10: expected a log-probability"),
        ("-0.7 hello -0.2", "-inf hello -0.2", r"line 10: expected a log-probability"),
        ("-0.7 hello -0.2", "-0.7 hello much", r"line 10: expected a log-probability"),
        ("-1.25\t<unk>", "-1.25\thello", r"line 11: 'hello' appears twice"),
        ("-0.4\thello </s>\n\n\\end\\", "", r"lm\.arpa: expected a log-probability.*, found the end"),
        ("\\end\\", "", r"lm\.arpa: expected \\end\\, found the end"),
        ("</s>\n-0.7", "<end>\n-0.7", r"lm\.arpa: </s> missing among the 1-grams"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, before: str, after: str, expected: str) -> None:
    assert before in WRITTEN
    with pytest.raises(ValueError, match=expected):
        read_arpa(written(tmp_path, WRITTEN.replace(before, after, 1)), tmp_path)


def test_a_file_that_is_not_there_is_no_text_or_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.arpa: no such file"):
        read_arpa(tmp_path / "none.arpa", tmp_path)
    (tmp_path / "lm.bin").write_bytes(b"mmap lm \xff\xfe")
    with pytest.raises(ValueError, match=r"lm\.bin: not readable as UTF-8 text"):
        read_arpa(tmp_path / "lm.bin", tmp_path)
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "link.arpa").symlink_to(written(tmp_path, WRITTEN))
    with pytest.raises(
        ValueError, match=r"link\.arpa: links outside .*inputs, where DVC does not see changes"
    ):
        read_arpa(inputs / "link.arpa", inputs)
