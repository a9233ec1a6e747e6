"""Recordings of many containers, codings, rates, lengths and tags, piped and joined: is all of each read?

python -m tests.benchmarks.odd_recordings [--files 1000] [--seed 0] [--folder FOLDER]

ffmpeg, lame and sox (Debian packages) write the files. Each is read as the manifest stage reads it, and a
part of it as the features stage does, and compared with what ffmpeg decodes. A file may be refused only if
ffmpeg reads nothing either. Faults are printed, and are exit code 1; with --folder the faulty files stay.
"""

import argparse
import collections
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.audio.inspection import inspect_recording
from stages.audio.recording import read_recording, read_span

TOOLS = ("ffmpeg", "ffprobe", "lame", "sox")
PCM = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw")
BIG_ENDIAN = ("pcm_s16be", "pcm_s24be", "pcm_s32be")
SPEECH_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)
LAME_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
TAGS = (b"TAG" + b"x" * 125, b"APETAGEX" + bytes(24))
LOSSY = 1e-2  # of full scale: what decoders of one coding differ by
ANY = 10.0  # where ffmpeg loses samples at the joint, and what follows cannot be compared

Make = Callable[[Path, Path, random.Random], None]


@dataclass(frozen=True)
class Kind:
    """How a file is made from a WAV; ``tolerance`` of its values; ``rates`` that it can have."""

    make: Make
    tolerance: float = 1e-6
    rates: tuple[int, ...] = SPEECH_RATES
    channels: tuple[int, ...] = (1, 2)
    extra: int = 0  # samples that one of two decoders adds at the end


def run(*command: object) -> bytes:
    done = subprocess.run([*map(str, command)], capture_output=True, check=True)
    return done.stdout


def by_ffmpeg(container: str, *options: str, piped: bool = False) -> Make:
    def make(source: Path, target: Path, _: random.Random) -> None:
        command = ["ffmpeg", "-loglevel", "error", "-y", "-i", source, *options, "-f", container]
        if piped:
            target.write_bytes(run(*command, "-"))
        else:
            run(*command, target)

    return make


def by_lame(source: Path, target: Path, generator: random.Random) -> None:
    mode = generator.choice(
        [("-V", generator.randrange(10)), ("-b", 64), ("-b", 128), ("-b", 320), ("--abr", 96), ("--cbr",)]
    )
    tags = generator.choice(
        [
            (),
            ("-t",),
            ("-t", "--add-id3v2", "--tt", "title"),
            ("--id3v1-only", "--tt", "title"),
            ("-t", "--tt", "x"),
        ]
    )
    run("lame", "--quiet", *mode, *tags, source, target)


def by_sox_pipe(source: Path, target: Path, generator: random.Random) -> None:
    target.write_bytes(run("sox", source, "-t", generator.choice(["wav", "aiff", "au", "flac"]), "-"))


def joined(kind: Make) -> Make:
    def make(source: Path, target: Path, generator: random.Random) -> None:
        parts = []
        for _ in range(2):
            kind(source, target, generator)
            parts.append(target.read_bytes())
        target.write_bytes(b"".join(parts))

    return make


def tagged(kind: Make) -> Make:
    def make(source: Path, target: Path, generator: random.Random) -> None:
        kind(source, target, generator)
        target.write_bytes(target.read_bytes() + generator.choice(TAGS))

    return make


FLAC, OGG = by_ffmpeg("flac"), by_ffmpeg("ogg", "-c:a", "libvorbis")
MP3_PIPE = by_ffmpeg("mp3", "-q:a", "4", piped=True)
KINDS: dict[str, Kind] = {
    **{f"wav {coding}": Kind(by_ffmpeg("wav", "-c:a", coding)) for coding in PCM},
    **{f"piped wav {coding}": Kind(by_ffmpeg("wav", "-c:a", coding, piped=True)) for coding in PCM},
    **{f"aiff {coding}": Kind(by_ffmpeg("aiff", "-c:a", coding)) for coding in BIG_ENDIAN},
    "wav adpcm_ms": Kind(by_ffmpeg("wav", "-c:a", "adpcm_ms"), extra=2048),
    "wav adpcm_ima": Kind(by_ffmpeg("wav", "-c:a", "adpcm_ima_wav"), LOSSY, extra=2048),
    "piped wav adpcm_ms": Kind(by_ffmpeg("wav", "-c:a", "adpcm_ms", piped=True), extra=2048),
    "wav gsm": Kind(by_ffmpeg("wav", "-c:a", "gsm_ms"), LOSSY, (8000,), (1,), extra=320),
    "rf64": Kind(by_ffmpeg("wav", "-rf64", "always")),
    "caf": Kind(by_ffmpeg("caf")),
    "piped caf": Kind(by_ffmpeg("caf", piped=True)),
    "w64": Kind(by_ffmpeg("w64")),
    "au": Kind(by_ffmpeg("au")),
    "flac": Kind(FLAC),
    "piped flac": Kind(by_ffmpeg("flac", piped=True)),
    "tagged flac": Kind(tagged(FLAC)),
    "ogg": Kind(OGG, LOSSY, extra=2048),
    "joined ogg": Kind(joined(OGG), ANY, extra=4096),
    "mp3": Kind(by_lame, LOSSY, LAME_RATES, extra=1152),
    "tagged mp3": Kind(tagged(by_lame), LOSSY, LAME_RATES, extra=1152),
    "joined mp3": Kind(joined(by_lame), ANY, LAME_RATES, extra=4608),
    "piped mp3": Kind(MP3_PIPE, LOSSY, LAME_RATES),
    "joined piped mp3": Kind(joined(MP3_PIPE), ANY, LAME_RATES, extra=4608),
    "sox's pipe": Kind(by_sox_pipe),
}


def fault(path: Path, kind: Kind, generator: random.Random) -> str | None:
    """What is wrong with how a file is read; None if nothing is."""
    expected = decoded(path)
    try:
        described = inspect_recording(path)
        found, rate = read_recording(path)
    except ValueError as error:
        is_true = expected is None or "the MPEG stream changes" in str(error)  # LAME chose two sample rates
        return None if is_true else f"refused: {error}; ffmpeg reads {expected[0].shape}"
    if expected is None:
        return f"{found.shape} read, and ffmpeg nothing"
    samples, expected_rate = expected
    if rate != expected_rate or found.shape[1] != samples.shape[1]:
        return f"{rate} Hz, {found.shape[1]} channels, and ffmpeg {expected_rate} Hz, {samples.shape[1]}"
    length = min(len(found), len(samples))
    if abs(len(found) - len(samples)) > kind.extra:
        return f"{len(found)} samples, and ffmpeg {len(samples)}"
    if round(described.duration_seconds * rate) != len(found):
        return f"described as {described.duration_seconds} s, and read as {len(found) / rate} s"
    difference = np.abs(found[:length] - samples[:length]).max(initial=0)
    if difference > kind.tolerance and (described.container != "MP3" or differs_from_lame(path, found)):
        return f"values differ from ffmpeg's by {difference:.3g}"
    start, wanted = generator.randrange(len(found)), generator.randrange(1, rate)
    part = read_span(path, start / rate, wanted / rate)[0]
    if len(part) != len(found[start : start + wanted]):
        return f"a part from {start} has {len(part)} samples, not {len(found[start : start + wanted])}"
    if (difference := np.abs(part - found[start : start + wanted]).max(initial=0)) > 5e-6:
        return f"a part from {start} differs by {difference:.3g}"
    return None


def decoded(path: Path) -> tuple[np.ndarray[Any, Any], int] | None:
    """What ffmpeg hears: samples (N, channels), and their rate."""
    entries = "stream=sample_rate,channels"
    told = run("ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", path).decode().split(",")
    if len(told) < 2:
        return None
    content = run("ffmpeg", "-loglevel", "quiet", "-i", path, "-f", "f32le", "-c:a", "pcm_f32le", "-")
    samples = np.frombuffer(content, np.float32).reshape(-1, int(told[1]))
    return (samples, int(told[0])) if len(samples) else None


def differs_from_lame(path: Path, found: np.ndarray[Any, Any]) -> bool:
    """Whether LAME decodes something else: ffmpeg's joint stereo of 24 kHz and less is not LAME's."""
    import soundfile

    decoded_by_lame = path.with_suffix(".lame")
    run("lame", "--quiet", "--decode", path, decoded_by_lame)
    samples = soundfile.read(decoded_by_lame, dtype="float32", always_2d=True)[0]
    decoded_by_lame.unlink()
    length = min(len(found), len(samples))
    return bool(np.abs(found[:length] - samples[:length]).max(initial=0) > LOSSY)


def source(path: Path, rate: int, channels: int, generator: random.Random) -> None:
    """A WAV of noise that swells and falls."""
    import soundfile

    length = max(1, round(rate * generator.choice([0.05, 0.3, 1.0, 3.0, 12.0]) * generator.uniform(0.7, 1.3)))
    numbers = np.random.default_rng(generator.getrandbits(32))
    swell = 0.3 * np.abs(np.sin(np.linspace(0, generator.uniform(1, 20), length)))[:, None]
    soundfile.write(path, swell * numbers.uniform(-1, 1, (length, channels)), rate, subtype="PCM_16")


def check(num_files: int, seed: int, folder: Path) -> list[str]:
    """The faults of so many files."""
    generator, faults, counts = random.Random(seed), [], collections.Counter[str]()
    for number in range(num_files):
        name = [*KINDS][number % len(KINDS)]
        kind = KINDS[name]
        rate, channels = generator.choice(kind.rates), generator.choice(kind.channels)
        wav, path = folder / "source.wav", folder / f"{number:05d}"
        source(wav, rate, channels, generator)
        kind.make(wav, path, generator)
        counts[name] += 1
        if found := fault(path, kind, generator):
            faults.append(f"{path.name}, {name}, {rate} Hz, {channels} channels: {found}")
            print(f"FAULT: {faults[-1]}", flush=True)
        else:
            path.unlink()
    print(f"{num_files} files of {len(counts)} kinds: {len(faults)} faults")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        sys.exit(f"install {', '.join(missing)} first: apt-get install ffmpeg lame sox")
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        return 1 if check(given.files, given.seed, folder) else 0


if __name__ == "__main__":
    sys.exit(main())
