"""A page of recordings before and after augmentation: index.html, with sounds and pictures."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from stages.augment.augmentation import Samples
from stages.pages.rendering import render
from stages.program.outputs import write_whole
from stages.schema.extras import advice

WINDOW_SECONDS, SHIFT_SECONDS = 0.025, 0.005
RANGE_DB = 80.0


@dataclass(frozen=True)
class Version:
    """A recording, and its features (T, F) if the model takes features."""

    title: str
    what: str
    samples: Samples
    features: Samples | None


@dataclass(frozen=True)
class Shown:
    """An utterance and its versions; the first is the original."""

    utterance: str
    text: str
    sample_rate: int
    versions: list[Version]


def write_page(utterances: list[Shown], folder: Path) -> Path:
    """Write the page with its sounds and pictures, and return its path."""
    pages = []
    for number, shown in enumerate(utterances, 1):
        versions = []
        for place, version in enumerate(shown.versions):
            name = f"{number}-{place}"
            sound = io.BytesIO()
            soundfile.write(sound, version.samples, shown.sample_rate, format="WAV", subtype="PCM_16")
            write_whole(folder / f"{name}.wav", sound.getvalue())
            write_whole(folder / f"{name}.png", picture(version, shown))
            what = (version.what or "unchanged") if place else ""
            versions.append({"title": version.title, "what": what, "name": name})
        pages.append({"utterance": shown.utterance, "text": shown.text, "versions": versions})
    write_whole(folder / "index.html", render("augmentation_preview.html", utterances=pages).encode())
    return folder / "index.html"


def picture(version: Version, shown: Shown) -> bytes:
    """Draw the spectrogram, and the features below it, as a PNG with the scales of the original."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(advice(error)) from error
    original, rate = shown.versions[0], shown.sample_rate
    longest = max(len(each.samples) for each in shown.versions) / rate
    seconds = len(version.samples) / rate
    figure = Figure(figsize=(6.4, 4.4 if version.features is not None else 2.4), layout="constrained")
    panels: Any = figure.subplots(2 if version.features is not None else 1, squeeze=False)[:, 0]
    loudest = float(spectrogram(original.samples, rate).max())
    _draw(panels[0], spectrogram(version.samples, rate), seconds, rate / 2000, (loudest - RANGE_DB, loudest))
    panels[0].set_ylabel("kHz")
    if version.features is not None and original.features is not None:
        low, high = np.percentile(original.features, [1, 99.5])
        _draw(panels[1], version.features, seconds, version.features.shape[1], (low, high))
        panels[1].set_ylabel("feature")
    for panel in panels:
        panel.set_xlim(0, longest)
    panels[-1].set_xlabel("seconds")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    return stream.getvalue()


def spectrogram(samples: Samples, sample_rate: int) -> Samples:
    """Return levels in dB: (T, F)."""
    window, shift = (max(round(seconds * sample_rate), 1) for seconds in (WINDOW_SECONDS, SHIFT_SECONDS))
    padded = np.pad(samples, (0, max(window - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::shift] * np.hanning(window)
    levels: Samples = 20 * np.log10(np.abs(np.fft.rfft(frames)) + 1e-6)
    return levels


def _draw(axes: Any, values: Samples, seconds: float, top: float, limits: tuple[float, float]) -> None:
    """Draw values (T, F): T from left to right, F from bottom to top."""
    low, high = limits
    extent = (0, seconds, 0, top)
    shades = {"cmap": "magma", "vmin": low, "vmax": high, "interpolation": "nearest"}
    axes.imshow(values.T, origin="lower", aspect="auto", extent=extent, **shades)
