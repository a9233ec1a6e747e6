"""The form of a language model in a checkpoint."""

import base64
import binascii
import bz2

from pydantic import BaseModel, ConfigDict

from stages.search.arpa import NGrams, parse_arpa


class PackedModel(BaseModel):
    """``arpa_bz2`` holds the bytes of an ARPA file, compressed with bz2 and encoded in base64, because a
    recipe is JSON. Equal files give equal strings.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    arpa_bz2: str

    @classmethod
    def of(cls, content: bytes) -> "PackedModel":
        return cls(arpa_bz2=base64.b64encode(bz2.compress(content)).decode())

    def ngrams(self) -> NGrams:
        """Parse all n-grams of the file; ValueError if it is damaged."""
        try:
            content = bz2.decompress(base64.b64decode(self.arpa_bz2, validate=True))
        except (binascii.Error, OSError, ValueError) as error:
            raise ValueError(f"language_model.arpa_bz2: not a bz2 file in base64: {error}") from error
        return parse_arpa(content, "language_model.arpa_bz2")
