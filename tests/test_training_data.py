"""What training reads from the features before it starts."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.preflight.reading import read_params
from stages.schema.feature_table import FeatureMetadata
from stages.schema.params import Train
from stages.schema.part import Part
from stages.tasks import training_data
from stages.tasks.training_data import fit_tokens
from stages.tokens.normalization import Normalization

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "chords.yaml"


def write_index(features: Path, split: str, rows: list[dict[str, Any]]) -> None:
    (features / split).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), features / split / "index.parquet")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Train:
    params = read_params(RECIPE)
    metadata = FeatureMetadata(
        frontend=params.features.frontend, sample_rate=44100, feature_size=72, frame_shift_seconds=0.01,
        domain="features", dtype="float16",
    )  # fmt: skip
    monkeypatch.setattr(training_data, "read_metadata", lambda _: metadata)
    return params.train


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("text", "problem"), [("C:mine/C", "outside the vocabulary: 'type mine'"), ("do re", "is not a chord")]
)
def test_a_chord_without_tokens_is_named_before_the_training_whatever_its_split(
    tmp_path: Path, settings: Train, split: str, text: str, problem: str
) -> None:
    for name in ("train", "validation", "test"):
        rows = [{"id": f"{name}-1", "text": "C:major/C"}, {"id": f"{name}-2", "text": "D:6/D"}]
        if name == split:
            rows[1]["text"] = text
        write_index(tmp_path, name, rows)
    with pytest.raises(ValueError, match=rf"utterance {split}-2: .*{problem}"):
        fit_tokens(settings, tmp_path)


def test_a_recipe_has_all_of_the_normalization_whatever_defaults_a_later_version_has(
    tmp_path: Path, settings: Train
) -> None:
    for split in ("train", "validation", "test"):
        write_index(tmp_path, split, [{"id": f"{split}-1", "text": "Do re"}])
    normalization = {"case": "upper", "replacements": {"&": " AND "}}
    for written, expected in (
        ({}, Normalization()),
        ({"normalization": normalization}, Normalization(case="upper", replacements={"&": " AND "})),
    ):
        tokens = Part(
            class_path="stages.tokens.characters.Characters", init_args={"blank": "last", **written}
        )
        found = fit_tokens(settings.model_copy(update={"tokens": tokens}), tmp_path)
        assert found.tokens.init_args == {"blank": "last", "normalization": asdict(expected)}
        restored = type(found).model_validate_json(found.model_dump_json())
        assert restored.tokens.build().normalization == expected


def test_tokens_without_a_normalization_stay_as_they_are_written(tmp_path: Path, settings: Train) -> None:
    for split in ("train", "validation", "test"):
        write_index(tmp_path, split, [{"id": f"{split}-1", "text": "C:major/C"}])
    assert fit_tokens(settings, tmp_path).tokens == settings.tokens
