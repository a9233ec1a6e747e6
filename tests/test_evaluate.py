"""The evaluate stage: what it scores, names and refuses, and that it changes nothing of training's."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from training_project import Project, table, training_project

from stages import evaluate, features, manifest, train
from stages.commands import lm
from stages.program.inputs import hash_file
from stages.schema.manifest_row import read_manifest, write_rows


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def history(project: Project) -> list[dict[str, str]]:
    return table(project.folder / "artifacts" / "train" / "history.csv")


def hashes() -> dict[Path, str]:
    return {path: hash_file(path) for path in Path("artifacts/train").rglob("*") if path.is_file()}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_changes_nothing_that_training_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    project = training_project(tmp_path, monkeypatch)
    project.run(train)
    before = hashes()
    project.set({"evaluate.split": split})
    project.run(evaluate)
    assert Path("artifacts/evaluate/metrics.json").exists()
    assert hashes() == before


def test_evaluation_scores_every_utterance_and_names_what_it_cannot_write(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run(train)
    rows = read_manifest(Path("data/manifest/test.json"))
    write_rows(Path("data/manifest/test.json"), [rows[0].model_copy(update={"text": "é"}), *rows[1:]])
    project.run(features)
    project.run(evaluate)
    found = project.json("artifacts/evaluate/metrics.json")
    table = pq.read_table("artifacts/evaluate/hypotheses.parquet").to_pydict()
    assert found["num_utterances"] == len(rows) == len(table["id"])
    assert found["num_utterances_outside_vocabulary"] == 1
    assert dict(zip(table["id"], table["outside_vocabulary"], strict=True))[rows[0].id] == "é"
    assert f"utterance {rows[0].id}: outside the vocabulary" in capsys.readouterr().out
    assert found["wer"] == sum(table["wer_edits"]) / sum(table["wer_reference_words"])


def test_utterances_that_training_had_too_are_counted_and_said(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    def add_validation(document: dict[str, Any]) -> None:
        document["manifest"]["corpora"][0]["add_validation_to_train"] = True

    project.change(add_validation)
    project.set({"train.trainer.max_epochs": 1, "evaluate.split": "validation"})
    for stage in (manifest, features, train, evaluate):
        project.run(stage)
    assert project.json("artifacts/evaluate/metrics.json")["num_utterances_trained_on"] == 6
    assert "warning: 6 of 6 utterances of validation are in training too" in capsys.readouterr().err
    project.set({"evaluate.split": "test"})
    project.run(evaluate)
    assert "num_utterances_trained_on" not in project.json("artifacts/evaluate/metrics.json")
    assert "in training too" not in capsys.readouterr().err


def test_evaluation_of_the_validation_split_agrees_with_training(project: Project) -> None:
    project.run(train)
    project.change(lambda document: document["evaluate"].update(split="validation"))
    project.run(evaluate)
    best = min(float(row["val_cer"]) for row in history(project))
    assert project.json("artifacts/evaluate/metrics.json")["cer"] == pytest.approx(best)


def test_texts_longer_than_the_search_writes_are_named_by_training_and_evaluation(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    greedy = "stages.search.decoder_greedy.DecoderGreedy"
    search = {"class_path": greedy, "init_args": {"max_tokens_per_frame": 0.01}}
    task = {"class_path": "stages.tasks.seq2seq.Seq2Seq", "init_args": {"search": search}}
    project.set({"train.task": task, "train.trainer.max_epochs": 1, "train.callbacks": []})
    project.run(train)
    said = capsys.readouterr().out
    for split, size in (("train", 24), ("validation", 6)):
        assert f"{split}: {size} utterances have longer transcripts than the search writes, first " in said
    project.run(evaluate)
    assert "test: 6 utterances have longer" in (said := capsys.readouterr().out)
    assert ": raise max_tokens_per_frame" in said
    wide = {**search, "init_args": {"max_tokens_per_frame": 9.0}}
    project.set({"evaluate.search": wide})
    project.run(evaluate)
    assert "than the search writes" not in capsys.readouterr().out


def test_the_best_texts_of_a_search_are_a_column(project: Project) -> None:
    project.set({"train.trainer.max_epochs": 1})
    project.run(train)
    for num_best in (1, 3):
        search = {"class_path": "stages.search.prefix_beam.PrefixBeam", "init_args": {"num_best": num_best}}
        project.set({"evaluate.search": search})
        project.run(evaluate)
        table = pq.read_table("artifacts/evaluate/hypotheses.parquet")
        assert str(table.schema.field("alternatives").type.value_type) == "string"
        for text, ranked in zip(
            *(table[name].to_pylist() for name in ("hypothesis", "alternatives")), strict=True
        ):
            assert len(ranked) == len(set(ranked)) == (0 if num_best == 1 else 3)
            assert ranked[:1] in ([], [text])


def test_evaluation_refuses_features_of_another_frontend(project: Project) -> None:
    project.run(train)
    project.change(lambda document: document["features"]["frontend"]["init_args"].update(num_mels=40))
    project.run(features)
    with pytest.raises(ValueError, match=r"feature_size: model 80, cache 40"):
        project.run(evaluate)


def beam(**arguments: Any) -> dict[str, Any]:
    return {"class_path": "stages.search.prefix_beam.PrefixBeam", "init_args": arguments}


def texts(project: Project, search: dict[str, Any] | None) -> list[str]:
    project.set({"evaluate.inputs": "data/raw/lm", "evaluate.search": search})
    project.run(evaluate)
    found: list[str] = pq.read_table("artifacts/evaluate/hypotheses.parquet")["hypothesis"].to_pylist()
    return found


def test_a_language_model_of_evaluate_inputs_has_its_say(project: Project) -> None:
    project.run(train)
    lm.main(["data/raw/lm/lm.arpa"])
    plain = texts(project, beam(beam_width=8))
    weighed = {"language_model": "lm.arpa", "alpha": 0.0}
    assert texts(project, beam(beam_width=8, **weighed, beta=0.0)) == plain
    more = texts(project, beam(beam_width=8, **weighed, beta=20.0))
    assert sum(len(text.split()) for text in more) > sum(len(text.split()) for text in plain)


def test_a_language_model_that_cannot_be_used_is_refused_before_anything_runs(project: Project) -> None:
    lm = Path("data/raw/lm/lm.arpa")
    lm.parent.mkdir()
    project.set({"evaluate.inputs": "data/raw/lm", "evaluate.search": beam(language_model="lm.arpa")})
    for stage in (features, evaluate):
        with pytest.raises(ValueError, match=r"evaluate\.search: data/raw/lm/lm\.arpa: no such file"):
            project.run(stage)
    lm.write_text("\\data\\\nngram 1=1\n\n\\1-grams:\nhello\n")
    with pytest.raises(ValueError, match=r"evaluate\.search: .*lm\.arpa, line 5: expected a log-probability"):
        project.run(features)


def test_a_language_model_of_the_task_s_own_search_travels_in_the_checkpoint(project: Project) -> None:
    lm.main(["data/raw/lm/lm.arpa"])
    search = beam(beam_width=4, language_model="lm.arpa")
    project.set({"train.inputs": "data/raw/lm", "train.task.init_args.search": search})
    project.set({"train.trainer.max_epochs": 1})  # the beam of a model that knows nothing is slow
    project.run(train)
    from_file = texts(project, search)
    Path("data/raw/lm/lm.arpa").unlink()
    project.set({"train.task.init_args.search": beam()})  # else params.yaml would name what is not there
    assert texts(project, None) == from_file
    assert len(from_file) == 6
