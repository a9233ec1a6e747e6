"""The work of one process: utterances to features, written to one file."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stages.shards.shard_recipe import ShardRecipe, digest

# What a job has of a manifest's rows; beside them a ``stamp`` (see verification) of recordings that are known
# to be the manifest's, and null of the others.
COLUMNS = ("id", "audio_filepath", "offset", "duration", "audio_sha256")


@dataclass(frozen=True)
class ShardJob:
    """Rows in the order of their recordings, whose paths are relative to ``manifest``.

    Paths are absolute: a worker on another machine has another working directory. ``made_by`` is the
    digest of the code and the libraries that asked for the job.
    """

    path: Path
    rows: pa.Table
    manifest: Path
    recipe: ShardRecipe
    made_by: str


def content_key(rows: pa.Table, recipe: ShardRecipe) -> str:
    """What a shard is made from: the same key, the same bytes. Paths and transcripts are no part of it."""
    audio = rows.select(["id", "offset", "duration", "audio_sha256"]).to_pydict()
    return digest([audio, recipe.digest])
