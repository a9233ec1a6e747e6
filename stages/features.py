"""Manifests to feature shards: data/features/{train,validation,test}/*.parquet.

A shard holds the utterances whose id hashes to it, and is addressed by the content it is made from:
a killed run continues where it was, and a changed recording costs one shard. Audio is mixed down to
mono by the mean of its channels and resampled to features.sample_rate. index.parquet beside the
shards carries transcripts and speakers, so that correcting a text extracts nothing again.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.augment.building import build, with_sounds
from stages.augment.chain import augmented
from stages.augment.seeds import copy_generator
from stages.corpora.recording import mono, read_span
from stages.program.inputs import Inputs, hash_file
from stages.program.outputs import forget_old, link_or_copy, scratch_folder, whole_folder
from stages.program.processes import in_threads, parallel
from stages.program.progress import track
from stages.program.stage import PACKAGE, Stage
from stages.schema import params as schema
from stages.schema.feature_table import (
    INDEX_SCHEMA,
    ROWS_PER_GROUP,
    SHARD_SCHEMA,
    FeatureMetadata,
)
from stages.schema.manifest_row import ManifestRow, manifest_splits, read_manifest
from stages.schema.part import Part

MANIFEST = Path("data/manifest")
OUTPUT = Path("data/features")
NUM_SHARDS = 32
INT16_FULL_SCALE = 32767.0
FLOAT16_MAX = 65504.0
LIBRARIES = ("soundfile", "soxr", "torch", "torchaudio")  # what decides the values besides our own code
OF_COPIES = ("audiomentations",)

STAGE = Stage(
    name="features",
    code=("features.py", "schema", "program", "corpora", "frontends", "augment"),
    data=lambda params: [MANIFEST, Path(params.features.inputs)],
)

Samples = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Shard:
    """The work of one process: utterances to features, written to ``path``."""

    path: Path
    rows: list[ManifestRow]
    copies: list[Part]
    metadata: FeatureMetadata


def run(params: schema.Params, inputs: Inputs) -> None:
    settings = params.features
    metadata = describe(settings)
    code = _hash_code()
    copies = [with_sounds(part, Path(settings.inputs), settings.sample_rate) for part in settings.copies]
    sounds = Inputs([Path(settings.inputs)]).digest() if copies != settings.copies else ""
    scratch = scratch_folder("features")
    with whole_folder(OUTPUT) as folder:
        shards: dict[Path, Shard] = {}
        for split in manifest_splits(MANIFEST):
            rows = sorted(read_manifest(MANIFEST / f"{split}.json"), key=lambda row: row.id)
            (folder / split).mkdir()
            _write_index(folder / split, rows, metadata)
            for number, members in _by_shard(rows).items():
                of_split = copies if split == "train" else []
                cached = scratch / f"{_key(members, of_split, metadata, code, sounds)}.parquet"
                shards[folder / split / f"{number:02d}.parquet"] = Shard(cached, members, of_split, metadata)
        missing = [shard for shard in shards.values() if not shard.path.exists()]
        _verify([row for shard in missing for row in shard.rows])
        _extract(missing, settings.executor)
        for target, shard in shards.items():
            shard.path.touch()
            link_or_copy(shard.path, target)
    forget_old(scratch, days=7)


def describe(settings: schema.Features) -> FeatureMetadata:
    """What the features will be; it is stored with every shard."""
    frontend = settings.frontend.build(sample_rate=settings.sample_rate)
    return FeatureMetadata(
        frontend=settings.frontend,
        sample_rate=settings.sample_rate,
        feature_size=frontend.feature_size,
        frame_shift_seconds=frontend.frame_shift_seconds,
        domain=frontend.domain,
        dtype="int16" if frontend.domain == "waveform" else "float16",
    )


def _by_shard(rows: list[ManifestRow]) -> dict[int, list[ManifestRow]]:
    members: dict[int, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        digest = hashlib.sha256(row.id.encode()).digest()
        members[int.from_bytes(digest[:4], "big") % NUM_SHARDS].append(row)
    return dict(sorted(members.items()))


def _hash_code() -> str:
    """The code that decides what a shard holds."""
    return Inputs(
        [PACKAGE / name for name in ("features.py", "frontends", "augment", "corpora/recording.py")]
    ).digest()


def _key(
    rows: list[ManifestRow], copies: list[Part], metadata: FeatureMetadata, code: str, sounds: str
) -> str:
    """``sounds`` is the content of what copies mix in."""
    audio = [(row.id, row.audio_sha256, row.offset, row.duration) for row in rows]
    versions = [version(name) for name in (*LIBRARIES, *(OF_COPIES if copies else ())) if find_spec(name)]
    mixed_in = [[copy.model_dump() for copy in copies], sounds if copies else ""]
    made_from = [audio, mixed_in, metadata.model_dump(), code, versions]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:32]


def _extract(shards: list[Shard], executor: schema.Executor) -> None:
    total = sum(len(shard.rows) * (1 + len(shard.copies)) for shard in shards)
    counts = parallel(write_shard, shards, executor.num_processes)
    done = (None for count in counts for _ in range(count))
    for _ in track(done, "extracting features", total, "utterances"):
        pass


def write_shard(shard: Shard) -> int:
    """Extract one shard and put it in place when it is whole; the number of utterances."""
    import torch

    torch.set_num_threads(1)
    frontend = shard.metadata.frontend.build(sample_rate=shard.metadata.sample_rate).eval()
    copies = [build(copy) for copy in shard.copies]
    schema_with_metadata = shard.metadata.attach(SHARD_SCHEMA)
    records = []
    for row, samples in _read_audio(shard.rows, shard.metadata.sample_rate):
        variants = [samples]
        for number, copy in enumerate(copies, 1):
            generator = copy_generator(row.id, number)
            variants.append(augmented([copy], samples, shard.metadata.sample_rate, generator, row.id))
        for number, variant in enumerate(variants):
            if not len(variant):
                raise ValueError(f"utterance {row.id}: shorter than one sample at features.sample_rate")
            with torch.inference_mode():
                waveform = torch.from_numpy(np.ascontiguousarray(variant))[None]
                values, _ = frontend(waveform, torch.tensor([len(variant)]))
            records.append(_record(row.id, number, values[0].numpy(), shard.metadata))
    table = pa.Table.from_pylist(records, schema=schema_with_metadata)
    partial = shard.path.with_name(f"{shard.path.name}.{os.getpid()}")
    pq.write_table(table, partial, row_group_size=ROWS_PER_GROUP, compression="none", use_dictionary=False)
    with partial.open("rb+") as stream:  # after a power cut, a name of the shard means all of its bytes
        os.fsync(stream.fileno())
    partial.replace(shard.path)
    return len(records)


def _record(row_id: str, copy: int, values: Samples, metadata: FeatureMetadata) -> dict[str, object]:
    if not (np.abs(values) <= FLOAT16_MAX).all():  # said so that NaN is refused as well
        name = metadata.frontend.class_path
        raise ValueError(f"utterance {row_id}: {name} gave NaN, or values too large for 16 bits")
    if metadata.dtype == "int16":
        values = np.rint(np.clip(values, -1, 1) * INT16_FULL_SCALE)
    stored = values.astype(metadata.dtype)
    return {"id": row_id, "copy": copy, "num_frames": len(stored), "values": stored.tobytes()}


def _read_audio(rows: list[ManifestRow], sample_rate: int) -> Iterator[tuple[ManifestRow, Samples]]:
    """Mono samples at ``sample_rate`` of each row."""
    for row in rows:
        path = MANIFEST / row.audio_filepath
        try:
            channels, original_rate = read_span(path, row.offset, row.duration)
        except ValueError as error:
            raise ValueError(f"utterance {row.id}: {path}: {error}") from error
        yield row, mono(channels, original_rate, sample_rate)


def _verify(rows: list[ManifestRow]) -> None:
    """Every recording is the one that the manifest describes; each file is hashed once."""
    expected = sorted({MANIFEST / row.audio_filepath: row for row in rows}.items())

    def check(item: tuple[Path, ManifestRow]) -> None:
        path, row = item
        try:
            found = hash_file(path)
        except OSError as error:
            raise ValueError(f"utterance {row.id}: {path}: {error.strerror}") from error
        if found != row.audio_sha256:
            raise ValueError(
                f"utterance {row.id}: {path} changed since the manifest was made; run that stage"
            )

    for _ in track(in_threads(check, expected), "verifying audio", len(expected), "files"):
        pass


def _write_index(folder: Path, rows: list[ManifestRow], metadata: FeatureMetadata) -> None:
    columns = INDEX_SCHEMA.names
    records = [row.model_dump(include=set(columns)) for row in rows]
    table = pa.Table.from_pylist(records, schema=metadata.attach(INDEX_SCHEMA))
    pq.write_table(table, folder / "index.parquet", compression="zstd")


if __name__ == "__main__":
    STAGE.main(run, __doc__)
