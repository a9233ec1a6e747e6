"""Short Russian sentences, synthesised with espeak-ng."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from stages.corpora.spoken_corpus import SpokenCorpus, Voices, refuse_shared_variants
from stages.schema.quantities import PositiveInt
from stages.synthesis.russian_phrases import russian_phrase

# One accent, so that the phones of a word do not depend on the variant.
TRAIN_VOICES = tuple(
    f"ru+{variant}"
    for variant in (
        "m1", "m5", "m6", "m7", "max", "boris", "Alex", "Mike", "Mario", "gustave", "grandpa", "john",
        "norbert", "Diogo", "michel", "miguel", "Henrique", "adam", "Reed", "edward", "Gene", "rob", "robert",
        "Andy", "Lee", "travis", "iven4", "kaukovalta", "ed", "Jacky", "f1", "f2", "f5", "Annie", "zac",
        "aunty", "linda", "steph", "Storm", "Alicia",
    )
)  # fmt: skip
VALIDATION_VOICES = ("ru+m3", "ru+belinda", "ru+Nguyen", "ru+shelby", "ru+pablo", "ru+marcelo")
TEST_VOICES = ("ru+f3", "ru+m2", "ru+f4", "ru+victor", "ru+m4", "ru+grandma")


class SpokenRussian(SpokenCorpus):
    """Sentences of about 130 everyday words, who does what, where and when, in many voices."""

    language: ClassVar[str] = "ru"

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
        return russian_phrase(generator)
