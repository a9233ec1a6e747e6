"""Reverberation by impulse responses from a folder, or by synthetic ones without one."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.audio.recording import mono, read_span
from stages.augment.augmentation import Augmentation, Samples
from stages.augment.sounds import sound_files
from stages.schema.quantities import Fraction, PositiveFloat

LONGEST_SECONDS = 5.0
MIN_RT60_SECONDS, MAX_RT60_SECONDS = 0.2, 0.8
DIRECT_DB = (0.0, 12.0)  # direct sound relative to reverberation, in synthetic responses
DECAY = np.log(10.0**3)  # amplitudes fall by 60 dB within the reverberation time


class ImpulseResponse(Augmentation):
    """Puts a fraction ``p`` of the utterances into another room; length and loudness stay.

    ``responses`` is a folder of the section's inputs with recorded impulse responses, one per file, or a
    list of folders and files there; a response begins at its peak, so that nothing is delayed. Without it, a
    response is a direct sound and noise that decays by 60 dB in a time between the bounds (Polack 1988, La
    transmission de l'énergie sonore dans les salles).
    """

    def __init__(
        self,
        responses: str | list[str] | None = None,
        min_rt60_seconds: PositiveFloat = MIN_RT60_SECONDS,
        max_rt60_seconds: PositiveFloat = MAX_RT60_SECONDS,
        p: Fraction = 0.5,
    ) -> None:
        """``apply`` expects the list of files that ``resolve`` makes of ``responses``."""
        self.responses = responses
        self.rt60_seconds = (min_rt60_seconds, max_rt60_seconds)
        self.p = p

    @staticmethod
    def check_arguments(
        responses: object = None,
        min_rt60_seconds: float | None = None,
        max_rt60_seconds: float | None = None,
        **_: object,
    ) -> None:
        shortest, longest = min_rt60_seconds or MIN_RT60_SECONDS, max_rt60_seconds or MAX_RT60_SECONDS
        if shortest > longest:
            raise ValueError(f"min_rt60_seconds, {shortest:g}, is greater than max_rt60_seconds, {longest:g}")
        if responses is not None and (min_rt60_seconds, max_rt60_seconds) != (None, None):
            raise ValueError("recorded responses have their own reverberation times: remove the bounds")

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, **init_args: Any) -> dict[str, Any]:
        """The arguments with the list of files."""
        if init_args.get("responses") is not None:
            init_args["responses"] = sound_files(inputs, init_args["responses"], ("init_args", "responses"))
        return init_args

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        if generator.random() >= self.p:
            return samples
        if self.responses is None:
            response = room_response(generator.uniform(*self.rt60_seconds), sample_rate, generator)
        else:
            assert isinstance(self.responses, list), "resolve puts the files in its place"
            path = Path(self.responses[generator.integers(len(self.responses))])
            recorded = mono(*read_span(path, 0.0, LONGEST_SECONDS), sample_rate)
            response = recorded[np.abs(recorded).argmax() :]
        changed = _convolved(samples, response)[: len(samples)]
        level, new_level = (float(np.sqrt(np.mean(values**2))) for values in (samples, changed))
        return changed * np.float32(level / new_level) if new_level else samples


def room_response(rt60_seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
    """A direct sound of 1, and noise that decays by 60 dB in the given time: (N,)."""
    size = max(round(min(rt60_seconds, LONGEST_SECONDS) * sample_rate), 2)
    seconds = np.arange(size) / sample_rate
    response = generator.standard_normal(size) * np.exp(-DECAY * seconds / rt60_seconds)
    response[0] = 0.0
    response *= 10 ** (-generator.uniform(*DIRECT_DB) / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1.0
    return response.astype(np.float32)


def _convolved(samples: Samples, response: Samples) -> Samples:
    size = 1 << (len(samples) + len(response) - 2).bit_length()  # a power of two: fast
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size).astype(np.float32)
