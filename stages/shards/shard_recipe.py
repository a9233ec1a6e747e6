"""What decides the bytes of a shard besides its recordings."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from stages.augment.building import with_sounds
from stages.program.inputs import Inputs
from stages.program.stage import PACKAGE
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part

CODE = ("shards", "frontends", "augment", "corpora/recording.py", "schema/feature_table.py")
LIBRARIES = ("numpy", "pyarrow", "soundfile", "soxr", "torch", "torchaudio", "audiomentations")


@dataclass(frozen=True)
class ShardRecipe:
    """The features of ``metadata``, of recordings and of their ``copies``; ``digest`` is of both, of the
    inputs that copies may mix in, and of the code and libraries.
    """

    metadata: FeatureMetadata
    copies: list[Part]
    digest: str


def shard_recipe(metadata: FeatureMetadata, copies: list[Part], inputs: Path) -> ShardRecipe:
    """Sounds below ``inputs`` become absolute paths. Whatever a transform may read there itself, the digest
    knows its content.
    """
    with_paths = [with_sounds(part, inputs.absolute(), metadata.sample_rate) for part in copies]
    mixed_in = Inputs([inputs]).digest() if copies else ""
    written = [copy.model_dump() for copy in copies]
    return ShardRecipe(metadata, with_paths, digest([written, mixed_in, metadata.model_dump(), made_by()]))


@cache
def made_by() -> str:
    """The digest of this process's code and libraries, as far as shards depend on them."""
    code = Inputs(PACKAGE / name for name in CODE).digest()
    return digest([code, {name: _version(name) for name in LIBRARIES}])


def digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:  # of an extra
        return None
