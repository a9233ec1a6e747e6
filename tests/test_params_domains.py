"""params.yaml: parts for waveforms and parts for features."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stages.preflight.reading import read_params

WriteParams = Callable[..., Path]


def message(path: Path) -> str:
    with pytest.raises(ValueError, match="problem") as refused:
        read_params(path)
    return str(refused.value)


def test_features_and_waveforms_cannot_be_mixed_up(write_params: WriteParams) -> None:
    spec_augment = [{"class_path": "stages.augment.spec_augment.SpecAugment"}]
    waveform = {"class_path": "stages.frontends.waveform.Waveform"}
    text = message(write_params({"features.frontend": waveform, "train.augment": spec_augment}))
    assert (
        "train.augment[0]: stages.augment.spec_augment.SpecAugment works on features, but there are" in text
    )
    speed = [{"class_path": "stages.augment.speed.Speed"}]
    text = message(write_params({"train.augment": speed}))
    assert "train.augment[0]: stages.augment.speed.Speed changes waveforms, but" in text


def test_features_made_on_the_device_can_be_masked_there(write_params: WriteParams) -> None:
    changes = {
        "features.frontend": {"class_path": "stages.frontends.waveform.Waveform"},
        "train.frontend": {"class_path": "stages.frontends.log_mel.LogMel"},
        "train.augment": [
            {"class_path": "stages.augment.speed.Speed"},
            {"class_path": "stages.augment.spec_augment.SpecAugment"},
        ],
    }
    read_params(write_params(changes))
