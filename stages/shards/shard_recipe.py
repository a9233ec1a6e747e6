"""What determines the bytes of a shard besides its recordings."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from stages.augment.building import with_sounds
from stages.program.inputs import Inputs
from stages.program.stage import PACKAGE
from stages.schema.feature_table import FeatureMetadata
from stages.schema.nested import parts_within
from stages.schema.part import Part

CODE = (
    "shards",
    "frontends",
    "padding",
    "audio",
    "compat/torchaudio_extension.py",
    "schema/feature_table.py",
)
LIBRARIES = ("numpy", "pyarrow", "soundfile", "soxr", "torch", "torchaudio")
CODE_OF_COPIES = ("augment",)
LIBRARIES_OF_COPIES = (
    "audiomentations", "librosa", "numba", "numpy-audio-limiter", "numpy-minmax", "numpy-rms",
    "python-stretch", "scipy",
)  # fmt: skip


@dataclass(frozen=True)
class ShardRecipe:
    """The features (``metadata``) and ``copies`` of recordings; ``digest`` is of both, of the inputs that
    copies may read, and of the code and libraries.
    """

    metadata: FeatureMetadata
    copies: list[Part]
    digest: str


def shard_recipe(metadata: FeatureMetadata, copies: list[Part], inputs: Path) -> ShardRecipe:
    """Sounds below ``inputs`` become absolute paths. The digest includes the content of all files there, as
    transforms may read any.
    """
    with_paths = [with_sounds(part, inputs.absolute(), metadata.sample_rate) for part in copies]
    mixed_in = Inputs([inputs]).digest() if copies else ""
    written = [copy.model_dump() for copy in copies]
    maker = made_by(metadata, copies)
    return ShardRecipe(metadata, with_paths, digest([written, mixed_in, metadata.model_dump(), maker]))


def made_by(metadata: FeatureMetadata, copies: list[Part]) -> str:
    """The digest of the code and libraries of this process that such shards depend on."""
    packages = set[str]().union(*map(_packages, [metadata.frontend, *copies]))
    return _made_by(bool(copies), frozenset(packages - {PACKAGE.name}))


@cache
def _made_by(with_copies: bool, packages: frozenset[str]) -> str:
    code = (*CODE, *CODE_OF_COPIES) if with_copies else CODE
    libraries = {*LIBRARIES, *LIBRARIES_OF_COPIES} if with_copies else {*LIBRARIES}
    for package in packages:
        libraries.update(packages_distributions().get(package, ()))
    versions = {library: _version(library) for library in libraries}
    return digest([Inputs(PACKAGE / name for name in code).digest(), versions])


def _packages(part: Part) -> set[str]:
    """The packages of its class and of those in its arguments, at any depth."""
    within = (Part.model_validate(written) for _, written in parts_within([*part.init_args.values()]))
    return {part.class_path.split(".")[0]}.union(*map(_packages, within))


def digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:  # it belongs to an extra
        return None
