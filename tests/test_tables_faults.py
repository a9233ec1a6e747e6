"""Faulty tables: errors name the place and the cell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.corpora.corpus import Utterance
from stages.corpora.table import Table
from stages.preflight.reading import read_params


def read(root: Path, path: Any, **arguments: Any) -> list[Utterance]:
    return list(Table(path, **arguments).utterances(root, root / "unused", seed=0))


FAULTY: dict[str, tuple[str, str, str]] = {
    "unknown kind": ("t.xlsx", "", r"t\.xlsx: unknown kind of table '\.xlsx', expected one of \.json"),
    "empty file": ("t.csv", "", r"t\.csv: not a readable \.csv table: No columns"),
    "missing column": (
        "t.csv",
        "path,text\na,b\n",
        r"t\.csv: no column 'audio_filepath', found 'path', 'text'; name .* in init_args\.columns\.audio",
    ),
    "no rows of JSON": ("t.json", "", r"t\.json: no column 'audio_filepath', found none"),
    "malformed JSON": (
        "t.json",
        '{"text": "a"}\n\n{"text"\n',
        r"t\.json: .* line 3, EOF .* object at column 7, ",
    ),
    "NaN in JSON": ("t.json", '{"offset": NaN}\n', r"t\.json: .* line 1, expected value"),
    "half a character": ("t.json", '{"text": "\\ud800"}\n', r"t\.json: .* line 1, "),
    "an array": ("t.json", "[1, 2]\n", r"t\.json: .* line 1, expected one object .* found \[1, 2\]"),
    "a list for a text": ("t.json", '{"text": ["a"]}\n', r"line 1, column 'text': expected .* found \['a'\]"),
    "rows longer than the header": (
        "t.csv",
        "audio_filepath,text\na,b,c\n",
        r"t\.csv: .* row 1 has 3 cells, the header 2",
    ),
    "one longer row": (
        "t.csv",
        "audio_filepath,text\na,b\na,b,c\n",
        r"t\.csv: .* row 2 has 3 cells, the header 2",
    ),
    "one shorter row": (
        "t.csv",
        "audio_filepath,text\na,b\na\n",
        r"t\.csv: .* row 2 has 1 cells, the header 2",
    ),
    "a column twice": (
        "t.csv",
        "audio_filepath,text,text\na,b,c\n",
        r"t\.csv: .* two columns are called 'text'",
    ),
    "an open quote": (
        "t.csv",
        'audio_filepath,text\na,b\na,"b\na,b\n',
        r"row 2 \(line 3\): a quote is never closed .* \(faulty rows in all: 1\); give .* close every quote",
    ),
    "a quote that the next one ends": (
        "t.csv",
        'audio_filepath,text\na,"b\na,"b"\n',
        r"row 1 \(line 2\): a quote is",
    ),
    "an open quote in the header": (
        "t.csv",
        'audio_filepath,"text\na,b\n',
        r"line 1, the header: a quote is",
    ),
    "several rows of other lengths": (
        "t.csv",
        "audio_filepath,text\na\na,b\na\n",
        r"row 1 .*\(faulty rows in all: 2",
    ),
    "several lines that are no JSON": (
        "t.json",
        '{"text"\n[]\n{"text": []}\n',
        r"line 1, .*\(faulty lines in all: 3",
    ),
    "not Parquet": ("t.parquet", "a", r"t\.parquet: not a readable \.parquet table"),
    "no number": (
        "t.csv",
        "audio_filepath,text,offset\na,b,\na,b,x\n",
        r"t\.csv, row 2, column 'offset': .*'x'",
    ),
    "infinite": ("t.csv", "audio_filepath,text,duration\na,b,inf\n", r"row 1, column 'duration': .*'inf'"),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_a_faulty_table_is_named_with_place_and_finding(tmp_path: Path, kind: str) -> None:
    name, content, message = FAULTY[kind]
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read(tmp_path, name)


@pytest.mark.parametrize(("name", "cell"), [("t.csv", '"' + "a,b\n" * 300_000), ("t.tsv", "a" * 1_200_000)])
def test_a_cell_that_nobody_speaks_hides_no_later_fault(tmp_path: Path, name: str, cell: str) -> None:
    comma = "," if name == "t.csv" else "\t"
    lines = [["audio_filepath", "text"], ["a.wav", cell], ["b.wav"]]
    (tmp_path / name).write_text("".join(comma.join(line) + "\n" for line in lines))
    with pytest.raises(ValueError, match=r"row 1 \(line 2\): .*; row [\d]+ has 1 cells"):
        read(tmp_path, name)


def test_an_absent_table_and_one_outside_the_root_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"t\.csv: no such table; put it there, or correct init_args\.path"):
        read(tmp_path, "t.csv")
    for path in ("../t.csv", "/t.csv"):
        with pytest.raises(ValueError, match=r"t\.csv: a table outside manifest\.root"):
            read(tmp_path, path)


def test_a_table_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("audio_filepath,text\na.wav,Ä\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"t\.csv: not UTF-8 text"):
        read(tmp_path, "t.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": {"dev": "a.csv"}}, r"corpora\[0\]\.init_args\.path"),
        ({"columns": {"sound": "path"}}, r"corpora\[0\]\.init_args\.columns"),
        ({"split_names": {"dev": "valid"}}, r"corpora\[0\]\.init_args\.split_names"),
    ],
)
def test_impossible_arguments_are_refused_with_their_path(
    write_params: Callable[..., Path], arguments: dict[str, Any], message: str
) -> None:
    part = {"class_path": "stages.corpora.table.Table", "init_args": arguments}
    with pytest.raises(ValueError, match=message):
        read_params(write_params({"manifest.corpora": [part]}))
