"""How the manifest selects from a corpus: limits, repeats, validation in training, ids of several corpora."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from manifest_project import ROOT, Run, recorded, rows_of

from stages.corpora.corpus import Utterance
from stages.listing.selection import select
from stages.preflight.reading import read_params
from stages.schema.families import Corpus

TABLE = "stages.corpora.table.Table"
Made = list[dict[str, Any]]


def listed(count: int, split: str = "train") -> list[Utterance]:
    return [Utterance(f"{split}-{number}", Path(f"{number}.wav"), "GO", split) for number in range(count)]


def taken(utterances: list[Utterance], seed: int = 0, **keys: Any) -> set[str]:
    return {u.id for u in select(utterances, Corpus(class_path="any", **keys), seed)}


def rows(counts: dict[str, int]) -> Made:
    """Recordings of this many speakers per split, one utterance each."""
    return [
        recorded(
            f"{split}{number}.wav", split=split, speaker=f"{split}{number}", text=f"{split[:2]} {number}"
        )
        for split, count in counts.items()
        for number in range(count)
    ]


def corpus(path: str = "manifest.json", **keys: Any) -> dict[str, Any]:
    return {"class_path": TABLE, "init_args": {"path": path}, **keys}


def ids(split: str) -> list[str]:
    return [row["id"] for row in rows_of(split)]


def test_a_share_is_of_what_the_corpus_lists_in_that_split_rounded_up() -> None:
    utterances = [*listed(30), *listed(7, "test")]
    assert len(taken(utterances, limit={"train": 0.1})) == 3 + 7
    assert len(taken(utterances, limit={"test": 0.1})) == 30 + 1
    assert len(taken(utterances, limit={"train": 1.0})) == 37
    assert len(taken(listed(100), limit={"train": 0.07})) == 7


def test_a_number_is_at_most_so_many() -> None:
    assert len(taken(listed(30), limit={"train": 1})) == 1
    assert len(taken(listed(30), limit={"train": 31})) == 30


def test_a_larger_limit_holds_all_of_a_smaller_one() -> None:
    sets = [taken(listed(50), limit={"train": count}) for count in range(1, 51)]
    assert all(small < large for small, large in pairwise(sets))


def test_the_choice_depends_on_seed_and_id_and_not_on_order() -> None:
    limit = {"train": 10}
    assert taken(listed(50), limit=limit) == taken(listed(50)[::-1], limit=limit)
    assert taken(listed(50), limit=limit) != taken(listed(50), limit=limit, seed=1)


def test_an_utterance_that_is_gone_makes_room_for_one_and_moves_no_other() -> None:
    before = taken(listed(50), limit={"train": 10})
    gone = min(before)
    after = taken([u for u in listed(50) if u.id != gone], limit={"train": 10})
    assert before - after == {gone}


def test_what_is_not_taken_is_not_even_decoded(run: Run) -> None:
    made = rows({"train": 4, "validation": 1, "test": 1})
    run(made, corpora=[corpus(limit={"train": 2})])
    kept = set(ids("train"))
    for row in made[:4]:
        if row["audio_filepath"] not in kept:
            (ROOT / row["audio_filepath"]).write_text("no audio")
    run(made, corpora=[corpus(limit={"train": 2})], max_rejected=0.0)
    assert set(ids("train")) == kept
    assert Path("data/manifest/rejected.json").read_text() == ""


def test_a_limit_counts_after_carving(run: Run) -> None:
    made = [recorded(f"{n}.wav", speaker=f"{n}", seconds=0.05) for n in range(40)]
    carve = {"validation": 0.3, "test": 0.3}
    run(made, carve=carve)
    whole = {split: ids(split) for split in ("train", "validation", "test")}
    run(made, carve=carve, corpora=[corpus(limit={"train": 3, "validation": 2})])
    assert [len(ids(split)) for split in whole] == [3, 2, len(whole["test"])]
    assert all(set(ids(split)) <= set(whole[split]) for split in whole)


def test_each_corpus_has_limits_of_its_own(run: Run) -> None:
    made = rows({"train": 4, "validation": 1, "test": 1})
    more = [recorded(f"more{n}.wav", split="train", speaker=f"more{n}") for n in range(3)]
    (ROOT / "more.json").write_text("".join(json.dumps(row) + "\n" for row in more))
    run(made, corpora=[corpus(limit={"train": 1}), corpus("more.json")])
    assert len(ids("train")) == 1 + 3


def test_repeat_is_noted_in_training_rows_alone_and_copies_nothing(run: Run) -> None:
    made = rows({"train": 2, "validation": 1, "test": 1})
    run(made, corpora=[corpus(repeat=3)])
    assert [row["repeat"] for row in rows_of("train")] == [3, 3]
    assert all("repeat" not in row for split in ("validation", "test") for row in rows_of(split))
    run(made, corpora=[corpus()])
    assert all("repeat" not in row for row in rows_of("train"))


def test_validation_is_added_to_training_on_request_and_said_on_stderr(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(rows({"train": 2, "validation": 3, "test": 1}), corpora=[corpus(add_validation_to_train=True)])
    said = capsys.readouterr()
    assert ids("train") == sorted(["train0.wav", "train1.wav", *ids("validation")])
    assert len(ids("validation")) == 3
    assert "warning: 3 validation utterances are in training too" in said.err
    assert "validation: 3 utterances, 0.00 h, 3 speakers, 100% of the transcripts also in train" in said.out
    assert said.out.startswith("train: 2 utterances")


def test_a_rejected_validation_utterance_is_not_said_to_be_added(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    made = rows({"train": 2, "validation": 3, "test": 1})
    run([*made, made[0] | {"split": "validation"}], corpora=[corpus(add_validation_to_train=True)])
    assert "warning: 3 validation utterances" in capsys.readouterr().err


def test_what_is_added_is_what_the_limit_leaves_and_is_repeated_in_training(run: Run) -> None:
    keys: dict[str, Any] = {
        "add_validation_to_train": True,
        "repeat": 2,
        "limit": {"validation": 1, "train": 1},
    }
    run(rows({"train": 3, "validation": 3, "test": 1}), corpora=[corpus(**keys)])
    (kept,) = rows_of("validation")
    assert "repeat" not in kept
    assert {**kept, "repeat": 2} in rows_of("train")
    assert len(rows_of("train")) == 2


def test_a_speaker_of_train_in_validation_is_refused_all_the_same(run: Run) -> None:
    made = rows({"train": 1, "validation": 1, "test": 1})
    made[1]["speaker"] = made[0]["speaker"]
    with pytest.raises(ValueError, match="speaker train0 is in more than one split"):
        run(made, corpora=[corpus(add_validation_to_train=True)])


def test_corpora_that_share_ids_are_named_and_told_apart_by_a_prefix(run: Run) -> None:
    made = rows({"train": 2, "validation": 1, "test": 1})
    for row in made:
        row["id"] = row["audio_filepath"]
    for name in ("a", "b"):
        (ROOT / name).mkdir()
    both = [corpus("a/t.json"), corpus("b/t.json")]
    for part in both:
        (ROOT / part["init_args"]["path"]).write_text(
            "".join(
                json.dumps({**row, "audio_filepath": f"../{row['audio_filepath']}"}) + "\n" for row in made
            )
        )
    with pytest.raises(
        ValueError, match=r"manifest\.corpora\[0\] and \[1\] have 4 ids in common, for example 'test0\.wav'"
    ):
        run([], corpora=both)
    run([], corpora=[both[0], {**both[1], "id_prefix": "second/"}])
    assert ids("train") == ["second/train0.wav", "second/train1.wav", "train0.wav", "train1.wav"]


def test_a_prefix_changes_neither_the_split_nor_the_choice(run: Run) -> None:
    made = [recorded(f"{n}.wav", seconds=0.05) for n in range(40)]
    settings: dict[str, Any] = {"carve": {"validation": 0.3, "test": 0.3}}
    found = []
    for prefix in ("", "a/"):
        run(made, corpora=[corpus(id_prefix=prefix, limit={"train": 0.5})], **settings)
        found.append([name.removeprefix(prefix) for split in ("train", "test") for name in ids(split)])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("keys", "counts", "message"),
    [
        (
            {"repeat": 1},
            {"validation": 1, "test": 1},
            r"corpora\[0\]\.repeat: .* no utterance in split train",
        ),
        (
            {"add_validation_to_train": True},
            {"train": 1, "test": 1},
            r"corpora\[0\]\.add_validation_to_train: ",
        ),
    ],
)
def test_what_can_have_no_effect_is_refused(
    run: Run, keys: dict[str, Any], counts: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(rows(counts), corpora=[corpus(**keys)])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"limit": {"train": 0}}, r"corpora\[0\]\.limit\.train: .*greater than 0"),
        ({"limit": {"train": -3}}, r"corpora\[0\]\.limit\.train: .*greater than 0"),
        ({"limit": {"train": 1.5}}, r"corpora\[0\]\.limit\.train: .*less than or equal to 1, found 1\.5"),
        ({"limit": {"train": "10%"}}, r"corpora\[0\]\.limit\.train: .*found '10%'"),
        ({"limit": {"dev": 3}}, r"corpora\[0\]\.limit\.dev: .*'train', 'validation' or 'test'"),
        ({"limit": 0.1}, r"corpora\[0\]\.limit: "),
        ({"repeat": -1}, r"corpora\[0\]\.repeat: .*greater than or equal to 0"),
        ({"repeat": 1.5}, r"corpora\[0\]\.repeat: .*valid integer"),
        ({"add_validation_to_train": 1}, r"add_validation_to_train: .*valid boolean"),
        ({"limits": {"train": 3}}, r"corpora\[0\]\.limits: unknown key \(did you mean limit\?\)"),
        ({"init_args": {"pth": "x"}}, r"corpora\[0\]\.init_args\.pth: unknown key \(did you mean path\?\)"),
    ],
)
def test_impossible_keys_are_refused_with_their_path(
    write_params: Callable[..., Path], keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_params(write_params({"manifest.corpora": [{"class_path": TABLE, **keys}]}))


def test_a_limit_of_a_split_that_the_manifest_has_not_is_refused(write_params: Callable[..., Path]) -> None:
    part = {"class_path": TABLE, "limit": {"test": 3}}
    changes = {"manifest.corpora": [part], "manifest.splits": ["train", "validation"], "manifest.carve": {}}
    with pytest.raises(ValueError, match=r"corpora\[0\]\.limit\.test: 'test' is not among manifest\.splits"):
        read_params(write_params({**changes, "evaluate.split": "validation"}))
