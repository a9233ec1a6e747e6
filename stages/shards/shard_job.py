"""The work of one process: utterances to features, written to one file."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stages.shards.shard_recipe import ShardRecipe, digest

# The columns of a manifest that a job gets; also ``stamp`` (see verification), null for recordings that are
# not yet verified.
COLUMNS = ("id", "audio_filepath", "offset", "duration", "audio_sha256")


@dataclass(frozen=True)
class ShardJob:
    """Rows in the order of their recordings, whose paths are relative to ``manifest``.

    ``path`` and ``manifest`` are absolute: workers on other machines have other working directories.
    ``made_by`` is the digest of the code and libraries that created the job.
    """

    path: Path
    rows: pa.Table
    manifest: Path
    recipe: ShardRecipe
    made_by: str


def content_key(rows: pa.Table, recipe: ShardRecipe) -> str:
    """A key of what a shard is made from: equal keys, equal bytes. Paths and transcripts do not matter."""
    audio = rows.select(["id", "offset", "duration", "audio_sha256"]).to_pydict()
    return digest([audio, recipe.digest])
