"""Augmentation to listen to and to look at: python -m stages.augment.preview

Reads params.yaml and the training manifest, and writes a page with recordings of the training split as they
are, as features.copies has them, and as some epochs of train.augment draw them: to play, as spectrograms, and
as the features that the model gets. Prints the page's path.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.augment.augmentation import Augmentation, Samples
from stages.augment.batch_augmentation import BatchAugmentation, augmented_batch
from stages.augment.building import build, with_sounds
from stages.augment.chain import augmented
from stages.augment.preview_page import Shown, Version, write_page
from stages.augment.seeds import copy_generator, fresh_seeds, recording_generator
from stages.augment.transformed import Transformed
from stages.corpora.recording import mono, read_span
from stages.frontends.frontend import Frontend
from stages.program.verdict import checked_params
from stages.schema.manifest_row import ManifestRow, read_manifest
from stages.schema.params import Params

MANIFEST = Path("data/manifest")
OUTPUT = Path("artifacts/logs/augmentation")
NUM_UTTERANCES = 3
NUM_EPOCHS = 4


class _Watched(Augmentation):
    """An augmentation that tells whether, and with what, it changed the last recording."""

    def __init__(self, inner: Augmentation) -> None:
        self.inner = inner
        self.did = ""

    @property
    def name(self) -> str:
        return self.inner.name

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        transforms = _single(self.inner.transform) if isinstance(self.inner, Transformed) else []
        for transform in transforms:
            _parameters(transform).pop("should_apply", None)  # of an earlier recording
        changed = self.inner.apply(samples, sample_rate, generator)
        drawn = ", ".join(filter(None, map(_drawn, transforms))) or self.name.rpartition(".")[2]
        self.did = "" if np.array_equal(changed, samples) else drawn
        return changed


@dataclass
class Preview:
    """What training would hear and see of a recording."""

    params: Params
    copies: list[_Watched] = field(default_factory=list)
    fresh: list[_Watched] = field(default_factory=list)
    of_features: list[BatchAugmentation] = field(default_factory=list)
    frontend: Frontend | None = None

    def __post_init__(self) -> None:
        features, train = self.params.features, self.params.train
        self.sample_rate = features.sample_rate
        for section, parts, found in (
            (features, features.copies, self.copies),
            (train, train.augment, self.fresh),
        ):
            for part in parts:
                made = build(with_sounds(part, Path(section.inputs), self.sample_rate))
                if isinstance(made, BatchAugmentation):
                    self.of_features.append(made)
                else:
                    found.append(_Watched(made))
        frontend: Frontend = (train.frontend or features.frontend).build(sample_rate=self.sample_rate)
        self.frontend = frontend.eval() if frontend.domain == "features" else None

    def show(self, row: ManifestRow) -> Shown:
        """The original, every cached copy, and some epochs."""
        samples = mono(*read_span(MANIFEST / row.audio_filepath, row.offset, row.duration), self.sample_rate)
        versions = [Version("original", "", samples, self._features(samples))]
        for number, copy in enumerate(self.copies, 1):
            changed = augmented([copy], samples, self.sample_rate, copy_generator(row.id, number), row.id)
            versions.append(Version(f"copy {number}", _what([copy]), changed, self._features(changed)))
        for epoch in range(NUM_EPOCHS if self.fresh or self.of_features else 0):
            seeds = fresh_seeds(self.params.seed, epoch, row.id, 0)
            changed = augmented(self.fresh, samples, self.sample_rate, recording_generator(seeds), row.id)
            masks = [type(each).__name__ for each in self.of_features]
            what = ", ".join([*filter(None, [_what(self.fresh)]), *masks])
            versions.append(Version(f"epoch {epoch + 1}", what, changed, self._features(changed, seeds)))
        return Shown(row.id, row.text, self.sample_rate, versions)

    def _features(self, samples: Samples, seeds: tuple[int, ...] = ()) -> Samples | None:
        """(T, F), masked if there are seeds; None for a model that takes the waveform."""
        if self.frontend is None:
            return None
        with torch.inference_mode():
            features, lengths = self.frontend(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
            if seeds:
                features = augmented_batch(self.of_features, features, lengths, [seeds])
        found: Samples = features[0].numpy()
        return found


def _what(chain: list[_Watched]) -> str:
    return ", ".join(each.did for each in chain if each.did)


def _single(transform: Any) -> list[Any]:
    """The transforms that a transform of audiomentations is composed of, or itself."""
    inner = getattr(transform, "transforms", None)
    return [one for each in inner for one in _single(each)] if inner else [transform]


def _drawn(transform: Any) -> str:
    """What a transform of audiomentations drew, for people; nothing if it was not applied."""
    parameters = _parameters(transform)
    numbers = [
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in parameters.items()
        if isinstance(value, int | float) and name != "should_apply"
    ]
    return " ".join([type(transform).__name__, *numbers]) if parameters.get("should_apply") else ""


def _parameters(transform: Any) -> dict[str, Any]:
    """Of audiomentations' transforms; what is called like one may have none."""
    found = getattr(transform, "parameters", None)
    return found if isinstance(found, dict) else {}


def chosen(rows: list[ManifestRow], names: list[str]) -> list[ManifestRow]:
    """The utterances of these ids, or the first few; ValueError for an id that is not there."""
    by_id = {row.id: row for row in rows}
    if unknown := [name for name in names if name not in by_id]:
        raise ValueError(f"no training utterance {unknown[0]!r}; there is, for instance, {min(by_id)!r}")
    return [by_id[name] for name in names or sorted(by_id)[:NUM_UTTERANCES]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.augment.preview",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE")
    parser.add_argument("--utterance", action="append", default=[], metavar="ID", help="may be there again")
    parser.add_argument("--out", type=Path, default=OUTPUT, metavar="FOLDER")
    given = parser.parse_args(arguments)
    try:
        if given.out.exists() and not given.out.is_dir():
            raise ValueError(f"--out {given.out}: is a file; name a folder for the page and what it shows")
        params = checked_params(given.params)
        if not (MANIFEST / "train.json").exists():
            raise ValueError(f"{MANIFEST / 'train.json'}: no such file; run the manifest stage")
        rows = chosen(read_manifest(MANIFEST / "train.json"), given.utterance)
        preview = Preview(params)
        print(write_page([preview.show(row) for row in rows], given.out))
    except (ValueError, OSError) as error:
        sys.exit(f"preview: {error}")


if __name__ == "__main__":
    main()
