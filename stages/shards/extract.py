"""One job: recordings to a shard of features."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.audio.recording import mono, read_span
from stages.augment.augmentation import Augmentation
from stages.augment.building import build
from stages.augment.chain import augmented
from stages.augment.seeds import copy_generator
from stages.program.outputs import room_advice
from stages.schema.feature_table import FeatureMetadata
from stages.shards.shard_job import ShardJob
from stages.shards.shard_recipe import made_by
from stages.shards.shard_writer import ShardWriter, Stored
from stages.shards.verification import place, verify, verify_still

INT16_FULL_SCALE = 32767.0
FLOAT16_MAX = 65504.0

Samples = np.ndarray[Any, np.dtype[np.float32]]
Row = dict[str, Any]


def extract(job: ShardJob) -> int:
    """Write one shard, completely or not at all; returns its number of rows. ValueError with what to do."""
    _refuse_other_machines(job)
    try:
        with room_advice():
            return _extract(job)
    except MemoryError as error:
        raise ValueError(
            f"out of memory in a shard of {len(job.rows)} utterances, first {job.rows['id'][0]}:"
            " lower features.executor.num_processes"
        ) from error


def _extract(job: ShardJob) -> int:
    import torch

    torch.set_num_threads(1)
    metadata, sample_rate = job.recipe.metadata, job.recipe.metadata.sample_rate
    frontend = metadata.frontend.build(sample_rate=sample_rate).eval()
    copies = [build(copy) for copy in job.recipe.copies]
    with ShardWriter(job.path, metadata) as writer, torch.inference_mode():
        for row, samples in _read_audio(job):
            for number, variant in enumerate(_variants(row["id"], samples, sample_rate, copies)):
                waveform = torch.from_numpy(np.ascontiguousarray(variant))[None]
                values, _ = frontend(waveform, torch.tensor([len(variant)]))
                writer.add(row["id"], number, _stored(row["id"], values[0].numpy(), metadata))
    return writer.num_rows


def _variants(name: str, samples: Samples, sample_rate: int, copies: list[Augmentation]) -> Iterator[Samples]:
    """An utterance and its copies."""
    if not len(samples):
        raise ValueError(f"utterance {name}: shorter than one sample at features.sample_rate")
    yield samples
    for number, copy in enumerate(copies, 1):
        yield augmented([copy], samples, sample_rate, copy_generator(name, number), name)


def _stored(name: str, values: Samples, metadata: FeatureMetadata) -> Stored:
    if not (np.abs(values) <= FLOAT16_MAX).all():  # written so that NaN fails too
        frontend = metadata.frontend.class_path
        raise ValueError(f"utterance {name}: {frontend} returned NaN, or values too large for 16 bits")
    if metadata.dtype == "int16":
        values = np.rint(np.clip(values, -1, 1) * INT16_FULL_SCALE)
    return values.astype(metadata.dtype, order="C")


def _read_audio(job: ShardJob) -> Iterator[tuple[Row, Samples]]:
    """Each row with its mono samples at the rate of the features; checks that recordings are unchanged."""
    stamps: dict[str, str] = {}
    for row in job.rows.to_pylist():
        file = row["audio_filepath"]
        stamp = stamps.get(file) or row["stamp"] or verify(row, job.manifest)
        try:
            channels, original_rate = read_span(job.manifest / file, row["offset"], row["duration"])
        except ValueError as error:
            raise ValueError(f"{place(row)}: {error}") from error
        stamps[file] = verify_still(row, job.manifest, stamp)
        yield row, mono(channels, original_rate, job.recipe.metadata.sample_rate)


def _refuse_other_machines(job: ShardJob) -> None:
    """ValueError if a worker lacks the project's folder or has other code or libraries."""
    where = f"a worker on {socket.gethostname()}"
    if made_by(job.recipe.metadata, job.recipe.copies) != job.made_by:
        raise ValueError(
            f"{where} has other code or other versions of libraries than this stage. If it belongs to Dask,"
            " install the same checkout there with constraints.txt and restart it; if the code was edited"
            " meanwhile, run again"
        )
    for folder in (job.manifest, job.path.parent):
        if not folder.is_dir():
            raise ValueError(
                f"{where} does not see {folder}: the project must be on a file system that workers share,"
                " at the same path"
            )
