"""English numbers and short commands, synthesised with espeak-ng."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from stages.corpora.spoken_corpus import SpokenCorpus, Voices, refuse_shared_variants
from stages.schema.quantities import PositiveInt
from stages.synthesis.phrases import phrase

# Without variants that whisper, croak, drop vowels or sound like a robot. The mean log-mel distance of a
# voice of validation or test from every one of training is at least 5.5 dB.
TRAIN_VOICES = (
    "en-us+m1", "en+m5", "en-gb-scotland+m6", "en-gb-x-rp+m7", "en-029+max", "en-us-nyc+boris",
    "en-gb-x-gbcwmd+Alex", "en-gb-x-gbclan+Mike", "en-us+Mario", "en+gustave", "en-gb-scotland+grandpa",
    "en-gb-x-rp+john", "en-029+norbert", "en-us-nyc+Diogo", "en-gb-x-gbcwmd+michel", "en-gb-x-gbclan+miguel",
    "en-us+Henrique", "en+adam", "en-gb-scotland+Reed", "en-gb-x-rp+edward", "en-029+Gene", "en-us-nyc+rob",
    "en-gb-x-gbcwmd+robert", "en-gb-x-gbclan+Andy", "en-us+Lee", "en+travis", "en-gb-scotland+iven4",
    "en-gb-x-rp+kaukovalta", "en-029+ed", "en-us-nyc+Jacky", "en-gb-x-gbcwmd+f1", "en-gb-x-gbclan+f2",
    "en-us+f5", "en+Annie", "en-gb-scotland+zac", "en-gb-x-rp+aunty", "en-029+linda", "en-us-nyc+steph",
    "en-gb-x-gbcwmd+Storm", "en-gb-x-gbclan+Alicia",
)  # fmt: skip
VALIDATION_VOICES = (
    "en-us+m3", "en+belinda", "en-gb-scotland+Nguyen", "en-gb-x-rp+shelby", "en-029+pablo",
    "en-us-nyc+marcelo",
)  # fmt: skip
TEST_VOICES = (
    "en-us+f3", "en+m2", "en-gb-x-rp+f4", "en-gb-x-gbclan+victor", "en-us-nyc+m4", "en-gb-scotland+grandma",
)  # fmt: skip


class SpokenNumbers(SpokenCorpus):
    """Random numbers below ten thousand, strings of digits and household commands, in many voices."""

    language: ClassVar[str] = "en"

    def __init__(
        self,
        num_train: PositiveInt = 1200,
        num_validation: PositiveInt = 120,
        num_test: PositiveInt = 240,
        train_voices: Voices = TRAIN_VOICES,
        validation_voices: Voices = VALIDATION_VOICES,
        test_voices: Voices = TEST_VOICES,
    ) -> None:
        super().__init__(num_train, num_validation, num_test, train_voices, validation_voices, test_voices)

    @staticmethod
    def check_arguments(
        train_voices: Sequence[str] = TRAIN_VOICES,
        validation_voices: Sequence[str] = VALIDATION_VOICES,
        test_voices: Sequence[str] = TEST_VOICES,
        **_: int,
    ) -> None:
        refuse_shared_variants(train_voices, validation_voices, test_voices)

    def text(self, generator: np.random.Generator) -> str:
        return phrase(generator)
