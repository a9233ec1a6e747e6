"""The work of one process: utterances to features, written to one file."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from stages.program.inputs import Inputs
from stages.program.stage import PACKAGE
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part

# What decides the bytes of a shard besides params.yaml and the recordings.
CODE = ("shards", "frontends", "augment", "corpora/recording.py", "schema/feature_table.py")
LIBRARIES = ("numpy", "pyarrow", "soundfile", "soxr", "torch", "torchaudio")
# What a job has of a manifest's rows; ``verified`` says that the recording is known to be the manifest's.
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
    copies: list[Part]
    metadata: FeatureMetadata
    made_by: str


@cache
def made_by() -> str:
    """The digest of this process's code and libraries, as far as shards depend on them."""
    code = Inputs(PACKAGE / name for name in CODE).digest()
    return _digest([code, {name: version(name) for name in LIBRARIES}])


def content_key(rows: pa.Table, copies: list[Part], metadata: FeatureMetadata) -> str:
    """What a shard is made from: the same key, the same bytes. Paths and transcripts are no part of it."""
    audio = rows.select(["id", "offset", "duration", "audio_sha256"]).to_pydict()
    return _digest([audio, [copy.model_dump() for copy in copies], metadata.model_dump(), made_by()])


def _digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
