"""Saved datasets of Hugging Face's library, made without a network."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from manifest_project import ROOT

datasets = pytest.importorskip("datasets", reason="needs the extra hugging-face")

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CORPUS = {"class_path": "stages.corpora.hugging_face.HuggingFace"}


def tone(
    hertz: float,
    audio_format: str = "FLAC",
    rate: int = 16000,
    channels: int = 1,
    seconds: float = 0.5,
    subtype: str | None = None,
) -> bytes:
    content = io.BytesIO()
    samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    soundfile.write(content, np.stack([samples] * channels, 1), rate, subtype, format=audio_format)
    return content.getvalue()


def as_wav(content: bytes, subtype: str = "PCM_16") -> bytes:
    """The same samples in another container."""
    samples, rate = soundfile.read(io.BytesIO(content), dtype="int32")
    copy = io.BytesIO()
    soundfile.write(copy, samples, rate, subtype, format="WAV")
    return copy.getvalue()


def dataset(contents: list[bytes | None], paths: list[str | None] | None = None, **columns: list[Any]) -> Any:
    """A dataset as its files have it; made from Arrow, as making one from recordings needs torchcodec."""
    paths = paths or [f"{number}.flac" for number in range(len(contents))]
    audio = [
        None if content is None else {"bytes": content, "path": path}
        for content, path in zip(contents, paths, strict=True)
    ]
    columns = {"text": [f"TEXT {number}" for number in range(len(contents))], **columns}
    table = pa.table({"audio": pa.array(audio, AUDIO), **columns})
    features = datasets.Features.from_arrow_schema(table.schema)
    info = datasets.DatasetInfo(features=datasets.Features({**features, "audio": datasets.Audio()}))
    return datasets.Dataset(datasets.table.InMemoryTable(table), info=info)


def save(parts: dict[str, Any], folder: Path = ROOT) -> None:
    datasets.DatasetDict(parts).save_to_disk(str(folder))
