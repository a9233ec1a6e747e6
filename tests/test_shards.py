"""The shard of an utterance, and what a shard is made from."""

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part
from stages.shards import shard_recipe as shard_recipe_module
from stages.shards.division import shard_bits, shard_numbers
from stages.shards.shard_recipe import made_by, shard_recipe

IDS = pa.chunked_array([[f"utterance-{number}" for number in range(20_000)]])


@pytest.mark.parametrize(
    ("num_utterances", "num_shards"),
    [(0, 1), (255, 1), (256, 2), (948, 4), (1200, 8), (100_000, 512), (10**6, 4096), (10**8, 4096)],
)
def test_shards_are_a_power_of_two_of_128_utterances_or_more(num_utterances: int, num_shards: int) -> None:
    assert 2 ** shard_bits(num_utterances) == num_shards


def test_a_corpus_that_outgrows_its_shards_has_each_split_in_two() -> None:
    np.testing.assert_array_equal(shard_numbers(IDS, 6) // 2, shard_numbers(IDS, 5))


def test_shards_are_of_nearly_one_size() -> None:
    sizes = np.bincount(shard_numbers(IDS, 4), minlength=16)
    assert len(sizes) == 16
    assert sizes.min() > 0.9 * 20_000 / 16


def test_one_shard_holds_everything() -> None:
    assert not shard_numbers(IDS, 0).any()


FRONTEND = Part(class_path="stages.frontends.waveform.Waveform")
METADATA = FeatureMetadata(
    frontend=FRONTEND, sample_rate=16000, feature_size=1, frame_shift_seconds=1 / 16000,
    domain="waveform", dtype="int16",
)  # fmt: skip
SPEED = Part(class_path="stages.augment.speed.Speed")


def test_whatever_copies_may_read_of_the_inputs_counts_for_their_shards(tmp_path: Path) -> None:
    digests = []
    for content in ("one", "other"):
        (tmp_path / "of_its_own.txt").write_text(content)
        digests.append([shard_recipe(METADATA, copies, tmp_path).digest for copies in ([], [SPEED])])
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]


def made_with(monkeypatch: pytest.MonkeyPatch, library: str, copies: list[Part]) -> set[str]:
    """``made_by`` before and after that library has another version."""
    makers = {made_by(METADATA, copies)}
    installed = shard_recipe_module.version
    with monkeypatch.context() as patch:
        patch.setattr(
            shard_recipe_module, "version", lambda name: "9.9" if name == library else installed(name)
        )
        shard_recipe_module._made_by.cache_clear()
        makers.add(made_by(METADATA, copies))
    shard_recipe_module._made_by.cache_clear()
    return makers


@pytest.mark.parametrize("library", ["audiomentations", "python-stretch", "scipy", "numpy"])
def test_an_upgrade_of_what_decides_the_sound_of_copies_makes_them_anew(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(made_with(monkeypatch, library, [SPEED])) == 2
    assert len(made_with(monkeypatch, library, [])) == (2 if library == "numpy" else 1)


def test_what_decides_the_bytes_of_a_shard_is_there() -> None:
    """An unknown name would have no effect."""
    module = shard_recipe_module
    for name in (*module.CODE, *module.CODE_OF_COPIES):
        assert (module.PACKAGE / name).exists(), name
    for library in (*module.LIBRARIES, *module.LIBRARIES_OF_COPIES):
        assert version(library), library


def test_code_of_augmentations_counts_for_copies_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("augment/gain.py", "shards/extract.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("before")
    monkeypatch.setattr(shard_recipe_module, "PACKAGE", tmp_path)

    def makers() -> list[str]:
        shard_recipe_module._made_by.cache_clear()
        return [made_by(METADATA, copies) for copies in ([], [SPEED])]

    of_features, of_copies = makers()
    (tmp_path / "augment/gain.py").write_text("after")
    assert makers()[0] == of_features
    assert makers()[1] != of_copies
    (tmp_path / "shards/extract.py").write_text("after")
    assert makers()[0] != of_features
    shard_recipe_module._made_by.cache_clear()


def test_an_upgrade_of_the_package_that_a_class_is_from_makes_its_copies_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    within = {"transforms": [{"class_path": "rich.progress.Progress", "init_args": {}}]}
    compose = Part(class_path="audiomentations.Compose", init_args=within)
    assert len(made_with(monkeypatch, "rich", [compose])) == 2
    assert len(made_with(monkeypatch, "rich", [SPEED])) == 1


def test_files_of_the_inputs_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"noise")
    digests = [shard_recipe(METADATA, [SPEED], tmp_path).digest]
    (tmp_path / os.fsdecode(b"caf\xe8.wav")).write_bytes(b"noise")
    digests.append(shard_recipe(METADATA, [SPEED], tmp_path).digest)
    assert len(set(digests)) == 2
