"""Recordings of the training split, original and augmented."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from stages.audio.recording import mono, read_span
from stages.augment.augmentation import Samples
from stages.augment.batch_augmentation import BatchAugmentation, augmented_batch
from stages.augment.building import build, with_sounds
from stages.augment.chain import augmented
from stages.augment.seeds import copy_generator, fresh_seeds, recording_generator
from stages.commands.preview_page import Shown, Version
from stages.commands.watched import Watched
from stages.frontends.frontend import Frontend
from stages.schema.manifest_row import ManifestRow, read_manifest
from stages.schema.params import Params

MANIFEST = Path("data/manifest")
NUM_UTTERANCES = 3
NUM_EPOCHS = 4


def previewed(params: Params, names: list[str]) -> list[Shown]:
    """The utterances with these ids, or the first few; ValueError for an unknown id."""
    if not (MANIFEST / "train.json").exists():
        raise ValueError(f"{MANIFEST / 'train.json'}: no such file; run the manifest stage")
    rows = _chosen(read_manifest(MANIFEST / "train.json"), names)
    preview = AugmentationPreview(params)
    return [preview.show(row) for row in rows]


@dataclass
class AugmentationPreview:
    """The waveforms and features that training would get of a recording."""

    params: Params
    copies: list[Watched] = field(default_factory=list)
    fresh: list[Watched] = field(default_factory=list)
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
                    found.append(Watched(made))
        frontend: Frontend = (train.frontend or features.frontend).build(sample_rate=self.sample_rate)
        self.frontend = frontend.eval() if frontend.domain == "features" else None

    def show(self, row: ManifestRow) -> Shown:
        """The original, every cached copy, and the augmentation of some epochs."""
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
        """Features (T, F), masked if there are seeds; None if the model takes waveforms."""
        if self.frontend is None:
            return None
        with torch.inference_mode():
            features, lengths = self.frontend(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
            if seeds:
                features = augmented_batch(self.of_features, features, lengths, [seeds])
        found: Samples = features[0].numpy()
        return found


def _what(chain: list[Watched]) -> str:
    return ", ".join(each.did for each in chain if each.did)


def _chosen(rows: list[ManifestRow], names: list[str]) -> list[ManifestRow]:
    """The rows with these ids, or the first few; ValueError for an unknown id."""
    by_id = {row.id: row for row in rows}
    if unknown := [name for name in names if name not in by_id]:
        raise ValueError(f"no training utterance {unknown[0]!r}; a valid id is, for example, {min(by_id)!r}")
    return [by_id[name] for name in names or sorted(by_id)[:NUM_UTTERANCES]]
