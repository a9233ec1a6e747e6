"""Tables in every format: what is read, and the ids of rows."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.corpora.corpus import Utterance
from stages.corpora.sphinx import Sphinx
from stages.corpora.table import Table

AN4 = Path(__file__).parents[2] / "shared" / "data" / "an4"
needs_an4 = pytest.mark.skipif(
    not AN4.is_dir(), reason="the training part of AN4 is not in ../shared/data/an4"
)


def write(root: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".tsv":
        table.to_csv(path, index=False, sep="\t")
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(root: Path, path: Any, **arguments: Any) -> list[Utterance]:
    return list(Table(path, **arguments).utterances(root, root / "unused", seed=0))


@pytest.fixture(params=["json", "jsonl", "ndjson", "csv", "tsv", "parquet"])
def extension(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_a_transcript_may_be_as_long_as_an_hour_of_speech(tmp_path: Path, extension: str) -> None:
    row = {"audio_filepath": "a.wav", "text": "so, on " * 25_714}  # at 50 characters per second
    write(tmp_path, f"table.{extension}", [row])
    assert [u.text for u in read(tmp_path, f"table.{extension}")] == [row["text"]]


def test_every_format_gives_the_same_utterances(tmp_path: Path, extension: str) -> None:
    row: dict[str, Any] = {"audio_filepath": "wav/a.wav", "text": "Ça va", "id": "a", "speaker": "fash"}
    row |= {"split": "train", "language": "fr", "offset": 0.35, "duration": 12.1}
    row["phonemes"] = "s a v a"
    write(tmp_path, f"table.{extension}", [row])
    assert read(tmp_path, f"table.{extension}") == [
        Utterance(
            "a",
            Path("wav/a.wav"),
            "Ça va",
            "train",
            "fash",
            "fr",
            offset_seconds=0.35,
            duration_seconds=12.1,
            labels={"phonemes": "s a v a"},
        )
    ]


def test_without_optional_columns_the_recording_is_whole_and_has_no_split(
    tmp_path: Path, extension: str
) -> None:
    write(tmp_path, f"table.{extension}", [{"audio_filepath": "a.wav", "text": "GO"}])
    assert read(tmp_path, f"table.{extension}") == [Utterance(id="a.wav", audio=Path("a.wav"), text="GO")]


def test_texts_that_look_like_numbers_or_nothing_stay_texts(tmp_path: Path, extension: str) -> None:
    texts = ["007", "NA", "null", "None", "nan", "1e5", "true", "", " two  blanks "]
    write(
        tmp_path,
        f"table.{extension}",
        [{"audio_filepath": f"{n}.wav", "text": t} for n, t in enumerate(texts)],
    )
    assert [utterance.text for utterance in read(tmp_path, f"table.{extension}")] == texts


def test_cells_without_value_are_none_or_an_empty_text(tmp_path: Path, extension: str) -> None:
    full = {
        "audio_filepath": "a.wav",
        "text": "GO",
        "id": "a",
        "speaker": "s",
        "offset": 1.5,
        "duration": 2.0,
    }
    bare = {**dict.fromkeys(full), "audio_filepath": "b.wav"}
    write(tmp_path, f"table.{extension}", [full, bare])
    assert read(tmp_path, f"table.{extension}")[1] == Utterance(id="b.wav", audio=Path("b.wav"), text="")


def test_numbers_in_json_are_read_as_written(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.json",
        [{"audio_filepath": "a.wav", "text": 7, "speaker": 103}, {"audio_filepath": "b.wav"}],
    )
    assert [(u.text, u.speaker) for u in read(tmp_path, "a.json")] == [("7", "103"), ("", None)]


def test_whole_numbers_in_parquet_stay_whole_beside_empty_cells(tmp_path: Path) -> None:
    speakers = pd.Series([103, None], dtype="Int64")
    table = pd.DataFrame({"audio_filepath": ["a.wav", "b.wav"], "text": ["A", "B"], "speaker": speakers})
    table.to_parquet(tmp_path / "a.parquet")
    assert [u.speaker for u in read(tmp_path, "a.parquet")] == ["103", None]


def test_columns_of_no_interest_may_hold_anything(tmp_path: Path) -> None:
    row = {"audio_filepath": "a.wav", "text": "GO", "alignment": [0.1, 0.2]}
    for name in ("a.json", "a.parquet"):
        write(tmp_path, name, [row])
        assert read(tmp_path, name)[0].text == "GO"


def test_quotes_in_a_tsv_are_part_of_the_text_as_in_common_voice(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('path\tsentence\na.mp3\t"Go," he said\nb.mp3\t"\n')
    found = read(tmp_path, "a.tsv", columns={"audio": "path", "text": "sentence"})
    assert [utterance.text for utterance in found] == ['"Go," he said', '"']


def test_audio_paths_are_relative_to_the_table_or_absolute(tmp_path: Path) -> None:
    paths = ["a.wav", "../wav/b.wav", "../../c.wav", "/elsewhere/d.wav"]
    write(tmp_path, "lists/t.csv", [{"audio_filepath": path, "text": "GO"} for path in paths])
    found = [utterance.audio.as_posix() for utterance in read(tmp_path, "lists/t.csv")]
    assert found == ["lists/a.wav", "wav/b.wav", "../c.wav", "/elsewhere/d.wav"]


def test_ids_come_from_path_and_offset(tmp_path: Path) -> None:
    rows = [{"audio_filepath": "a.wav", "text": "GO", "offset": offset} for offset in (None, 0.0, 1.25)]
    write(tmp_path, "lists/t.json", rows)
    assert [u.id for u in read(tmp_path, "lists/t.json")] == [
        "lists/a.wav",
        "lists/a.wav",
        "lists/a.wav@1.25",
    ]


def test_a_row_that_names_no_audio_is_called_by_its_place(tmp_path: Path) -> None:
    rows = [{"audio_filepath": "a.wav", "text": "GO"}, {"audio_filepath": "", "text": "GO"}]
    for name, place in (("t.csv", "t.csv, row 2"), ("t.json", "t.json, line 2")):
        write(tmp_path, name, rows)
        assert read(tmp_path, name)[1] == Utterance(id=place, audio=Path(), text="GO")


def test_a_table_for_each_split_overrules_a_split_column(tmp_path: Path) -> None:
    for name in ("a.csv", "b.json"):
        write(tmp_path, name, [{"audio_filepath": f"{name}.wav", "text": "GO", "split": "train"}])
    found = read(tmp_path, {"train": "a.csv", "test": "b.json"})
    assert [(u.audio.name, u.split) for u in found] == [("a.csv.wav", "train"), ("b.json.wav", "test")]


def test_split_names_are_translated_only_on_request(tmp_path: Path) -> None:
    rows = [{"audio_filepath": f"{n}.wav", "text": "GO", "split": n} for n in ("train", "dev", "")]
    write(tmp_path, "t.csv", rows)
    assert [u.split for u in read(tmp_path, "t.csv")] == ["train", "dev", None]
    translated = read(tmp_path, "t.csv", split_names={"dev": "validation"})
    assert [u.split for u in translated] == ["train", "validation", None]


def test_a_column_that_was_asked_for_by_name_must_be_there(tmp_path: Path) -> None:
    write(tmp_path, "t.csv", [{"audio_filepath": "a.wav", "text": "GO"}])
    with pytest.raises(ValueError, match=r"no column 'client_id', .* init_args\.columns\.speaker"):
        read(tmp_path, "t.csv", columns={"speaker": "client_id"})


@needs_an4
def test_a_table_of_an4_gives_the_utterances_of_its_lists(tmp_path: Path, extension: str) -> None:
    lists = list(Sphinx(lists={"train": "an4_train"}).utterances(AN4, tmp_path, seed=0))
    rows = [
        {"path": str(AN4 / u.audio), "said": u.text, "id": u.id, "by": u.speaker, "split": u.split}
        for u in lists
    ]
    write(tmp_path, f"an4.{extension}", rows)
    names = {"audio": "path", "text": "said", "speaker": "by"}
    found = read(tmp_path, f"an4.{extension}", columns=names)
    assert [(u.id, u.text, u.speaker, u.split) for u in found] == [
        (u.id, u.text, u.speaker, u.split) for u in lists
    ]
    assert [u.audio for u in found] == [AN4 / u.audio for u in lists]


def test_a_pattern_reads_every_table_that_it_matches_in_order(tmp_path: Path) -> None:
    for name in ("tables/b.csv", "tables/a.csv", "other.csv"):
        write(tmp_path, name, [{"audio_filepath": f"{Path(name).stem}.wav", "text": "yes"}])
    assert [str(found.audio) for found in read(tmp_path, "tables/*.csv")] == ["tables/a.wav", "tables/b.wav"]
    with pytest.raises(ValueError, match=r"none/\*\.csv: no table matches"):
        read(tmp_path, "none/*.csv")
