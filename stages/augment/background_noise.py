"""Background noise from a folder, or coloured noise without one."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.augment.augmentation import Augmentation, Samples
from stages.augment.sounds import draw_sound, sound_files
from stages.schema.quantities import Fraction

LOWEST_HERTZ = 20.0


class BackgroundNoise(Augmentation):
    """Adds noise at a signal-to-noise ratio between ``min_snr_db`` and ``max_snr_db`` to a fraction ``p`` of
    the utterances.

    ``sounds`` is a folder of the section's inputs, or a list of folders and files there: the noise is a
    random part of a random file, repeated if the file is too short. Without it the noise is coloured: its
    power falls with frequency^e, e between 0 (white) and 2 (brown). Silence gets no noise.
    """

    def __init__(
        self,
        sounds: str | list[str] | None = None,
        min_snr_db: float = 8.0,
        max_snr_db: float = 55.0,
        p: Fraction = 0.5,
    ) -> None:
        """``apply`` expects the list of files that ``resolve`` makes of ``sounds``."""
        self.sounds = sounds
        self.snr_db = (min_snr_db, max_snr_db)
        self.p = p

    @staticmethod
    def check_arguments(min_snr_db: float = 8.0, max_snr_db: float = 55.0, **_: object) -> None:
        if min_snr_db > max_snr_db:
            raise ValueError(f"min_snr_db, {min_snr_db:g}, is greater than max_snr_db, {max_snr_db:g}")

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, **init_args: Any) -> dict[str, Any]:
        """The arguments with the list of files."""
        if init_args.get("sounds") is not None:
            init_args["sounds"] = sound_files(inputs, init_args["sounds"], ("init_args", "sounds"))
        return init_args

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        if generator.random() >= self.p:
            return samples
        snr_db = generator.uniform(*self.snr_db)
        if self.sounds is None:
            noise = coloured_noise(len(samples), sample_rate, generator)
        else:
            assert isinstance(self.sounds, list), "resolve puts the files in its place"
            seconds = len(samples) / sample_rate
            noise = np.resize(draw_sound(self.sounds, seconds, sample_rate, generator), len(samples))
        level, noise_level = (float(np.sqrt(np.mean(values**2))) for values in (samples, noise))
        if not noise_level:
            return samples
        return samples + noise * np.float32(level / noise_level * 10 ** (-snr_db / 20))


def coloured_noise(num_samples: int, sample_rate: int, generator: np.random.Generator) -> Samples:
    """Noise (N,) whose power falls with frequency^e, e drawn between 0 and 2."""
    exponent = generator.uniform(0.0, 2.0)
    spectrum = np.fft.rfft(generator.standard_normal(num_samples, np.float32))
    frequencies = np.fft.rfftfreq(num_samples, 1 / sample_rate)
    spectrum *= np.maximum(frequencies, LOWEST_HERTZ) ** (-exponent / 2)
    return np.fft.irfft(spectrum, num_samples).astype(np.float32)
