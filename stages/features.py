"""Manifests to feature shards: data/features/{train,validation,test}/*.parquet.

A shard has the utterances whose id hashes to it, and is addressed by the content it is made from:
a killed run resumes where it was, and a changed recording costs one shard. Audio is mixed down to
mono by the mean of its channels and resampled to features.sample_rate. index.parquet next to the
shards has transcripts and speakers, so that correcting a text extracts nothing again. Shards are
independent jobs: features.executor says where they run; their bytes are the same everywhere.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.program.inputs import Inputs
from stages.program.jobs import LostWorker, reach, run_jobs
from stages.program.outputs import forget_old, link_or_copy, room_advice, scratch_folder, whole_folder
from stages.program.progress import track
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.feature_table import INDEX, INDEX_SCHEMA, FeatureMetadata
from stages.schema.manifest_row import manifest_splits
from stages.shards.division import shard_bits, shard_numbers
from stages.shards.extract import extract
from stages.shards.manifest_table import read_manifest_table
from stages.shards.shard_job import COLUMNS, ShardJob, content_key
from stages.shards.shard_recipe import ShardRecipe, made_by, shard_recipe
from stages.shards.shard_writer import forget_partial
from stages.shards.verification import verify_files

MANIFEST = Path("data/manifest")
OUTPUT = Path("data/features")

STAGE = Stage(
    name="features",
    code=("features.py", "schema", "program", "compat", "audio", "padding", "frontends", "augment", "shards"),
    data=lambda params: [MANIFEST, Path(params.features.inputs)],
)


@dataclass(frozen=True)
class Shard:
    """A shard for ``target``, of the ``members`` of ``rows``; ``cached`` may already exist."""

    target: Path
    cached: Path
    rows: pa.Table
    members: np.ndarray[Any, np.dtype[np.int64]]
    recipe: ShardRecipe


def run(params: schema.Params, inputs: Inputs) -> None:
    settings = params.features
    metadata = describe(settings)
    with_copies = shard_recipe(metadata, settings.copies, Path(settings.inputs))
    plain = shard_recipe(metadata, [], Path(settings.inputs))
    scratch = scratch_folder("features")
    forget_partial(scratch)
    with room_advice(), whole_folder(OUTPUT) as folder:
        shards: list[Shard] = []
        for split in manifest_splits(MANIFEST):
            rows = _index(split, folder / split, metadata)
            recipe = with_copies if split == "train" else plain
            shards += _divide(rows, folder / split, scratch, recipe)
        _extract([shard for shard in shards if not shard.cached.exists()], settings.executor)
        for shard in shards:
            shard.cached.touch()
            link_or_copy(shard.cached, shard.target)
    forget_old(scratch, days=7)


def describe(settings: schema.Features) -> FeatureMetadata:
    """The metadata of the features; it is stored with every shard."""
    frontend = settings.frontend.build(sample_rate=settings.sample_rate)
    return FeatureMetadata(
        frontend=settings.frontend,
        sample_rate=settings.sample_rate,
        feature_size=frontend.feature_size,
        frame_shift_seconds=frontend.frame_shift_seconds,
        domain=frontend.domain,
        dtype="int16" if frontend.domain == "waveform" else "float16",
    )


def _index(split: str, folder: Path, metadata: FeatureMetadata) -> pa.Table:
    """Write the index of a split; returns the columns of its rows that shards need."""
    rows = read_manifest_table(MANIFEST / f"{split}.json")
    folder.mkdir()
    index = rows.select(INDEX_SCHEMA.names).cast(metadata.attach(INDEX_SCHEMA)).combine_chunks()
    pq.write_table(index, folder / INDEX, compression="zstd")
    return rows.select(COLUMNS).combine_chunks()


def _divide(rows: pa.Table, folder: Path, scratch: Path, recipe: ShardRecipe) -> Iterator[Shard]:
    """The shards of a split, with rows ordered so that recordings with several of them are read fast."""
    keys = [(name, "ascending") for name in ("audio_sha256", "offset", "id")]
    read = pc.sort_indices(rows, keys).to_numpy()
    numbers = shard_numbers(rows["id"], shard_bits(len(rows)))[read]
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    for number, members in zip(found, np.split(read[order], starts[1:]), strict=True):
        key = content_key(rows.take(members), recipe)
        yield Shard(folder / f"{number:04d}.parquet", scratch / f"{key}.parquet", rows, members, recipe)


def _extract(missing: list[Shard], executor: schema.Executor) -> None:
    if missing:
        reach(executor)  # before all of the audio is read
    total = sum(len(shard.members) * (1 + len(shard.recipe.copies)) for shard in missing)
    jobs = _jobs(missing, _verify_shared(missing))
    try:
        with closing(run_jobs(extract, jobs, len(missing), executor)) as counts:
            done = (None for count in counts for _ in range(count))
            for _ in track(done, "extracting features", total, "utterances"):
                pass
    except LostWorker as error:
        lost = {path.name for path in forget_partial(missing[0].cached.parent)}
        begun = [f"{s.target.parent.name}/{s.target.name}" for s in missing if s.cached.name in lost]
        raise ValueError(
            f"{error}, at work on {' or '.join(begun) or 'a shard'}. Finished shards are kept: free memory or"
            " lower features.executor.num_processes, then run again"
        ) from error
    finally:
        for folder in {shard.cached.parent for shard in missing}:
            forget_partial(folder)  # of workers that an error or a signal ended


def _verify_shared(missing: list[Shard]) -> dict[str, str]:
    """Verify the files that several utterances share; returns their stamps.

    Jobs verify other files as they read them, so that a large corpus is read once.
    """
    paths = pa.chunked_array(
        [shard.rows["audio_filepath"].take(shard.members) for shard in missing], pa.string()
    )
    counts = pc.value_counts(paths)
    shared = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    firsts = np.sort(pc.index_in(shared, value_set=paths).to_numpy())
    ends = np.cumsum([len(shard.members) for shard in missing])
    of_shards = np.split(firsts, np.searchsorted(firsts, ends))
    rows = [
        shard.rows.take(
            shard.members[own - end]
        )  # negative: from the end of the shard, where the next one begins
        for shard, own, end in zip(missing, of_shards, ends, strict=False)
    ]
    return verify_files(pa.concat_tables(rows), MANIFEST) if rows else {}


def _jobs(missing: list[Shard], stamps: dict[str, str]) -> Iterator[ShardJob]:
    for shard in missing:
        rows = shard.rows.take(shard.members)
        stamp = pa.array(map(stamps.get, rows["audio_filepath"].to_pylist()), pa.string())
        yield ShardJob(
            path=shard.cached.absolute(),
            rows=rows.append_column("stamp", stamp),
            manifest=MANIFEST.absolute(),
            recipe=shard.recipe,
            made_by=made_by(shard.recipe.metadata, shard.recipe.copies),
        )


if __name__ == "__main__":
    STAGE.main(run, __doc__)
