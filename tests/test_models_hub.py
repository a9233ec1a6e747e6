"""Models of the Hugging Face hub without network: its cache is enough."""

from pathlib import Path

import pytest

from stages.models.hub import Hub

COMMIT = "0" * 40
ABSENT = {"of": "a model without this file"}


@pytest.fixture
def offline_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache after a download of example/tiny that has only config.json."""
    cache = tmp_path / "cache"
    folder = cache / "models--example--tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "config.json").write_text('{"model_type": "wav2vec2"}')
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return cache


@pytest.mark.usefixtures("offline_cache")
@pytest.mark.parametrize("revision", [None, COMMIT])
def test_an_optional_file_is_absent_where_the_rest_was_downloaded(
    tmp_path: Path, revision: str | None
) -> None:
    hub = Hub("example/tiny", revision)
    assert hub.json(tmp_path, "config.json") == {"model_type": "wav2vec2"}
    assert hub.json(tmp_path, "preprocessor_config.json", ABSENT) == ABSENT


@pytest.mark.usefixtures("offline_cache")
@pytest.mark.parametrize("hub", [Hub("example/none"), Hub("example/tiny", "other")], ids=str)
def test_of_a_model_that_was_never_downloaded_nothing_is_known(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(
        ValueError, match=r"preprocessor_config\.json cannot be downloaded from the Hugging Face hub"
    ):
        hub.json(tmp_path, "preprocessor_config.json", ABSENT)


@pytest.mark.usefixtures("offline_cache")
def test_what_a_model_must_have_is_never_absent(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"vocab\.json cannot be downloaded from the Hugging Face hub"):
        Hub("example/tiny").json(tmp_path, "vocab.json")
