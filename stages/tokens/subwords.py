"""Pieces of words as tokens, by sentencepiece (Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226)."""

import base64
import io
from collections.abc import Iterable
from typing import ClassVar, Literal

import sentencepiece

from stages.schema.quantities import PositiveInt
from stages.tokens.normalization import Normalization
from stages.tokens.spelling import Spelling
from stages.tokens.tokens import BLANK, Tokens

SPACE = "\u2581"  # how sentencepiece writes the space before a word
UNKNOWN = f"<{SPACE}{SPACE}>"  # the unknown piece, never in a normalised text
MAX_BYTES = 1 << 20  # of a transcript; sentencepiece skips longer ones, by default from 4192 bytes


class Subwords(Tokens):
    """Up to ``num_tokens`` pieces, learned from the training transcripts; every character is also one.

    ``kind``: "unigram", a language model of pieces (Kudo 2018, https://arxiv.org/abs/1804.10959), or "bpe",
    which joins frequent pairs (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909). The same texts give
    the same pieces. The model that splits texts is part of every checkpoint.
    """

    spelling: ClassVar[Spelling] = Spelling(space=SPACE)

    def __init__(
        self,
        num_tokens: PositiveInt = 100,
        kind: Literal["unigram", "bpe"] = "unigram",
        normalization: Normalization = Normalization(),
        blank: Literal["first", "last"] = "first",
    ) -> None:
        super().__init__(blank, normalization)
        self.num_tokens = num_tokens
        self.kind = kind
        self._model = sentencepiece.SentencePieceProcessor()

    def fit(self, texts: Iterable[str]) -> None:
        """Learn the pieces; ValueError if the texts have more characters than ``num_tokens``."""
        normalized = sorted(filter(None, map(self.normalize, texts)))
        characters = {character for text in normalized for character in f"{SPACE}{text}".replace(" ", SPACE)}
        if not normalized:
            raise ValueError("train.tokens: no training transcripts to learn subwords from")
        if len(characters) > self.num_tokens:
            raise ValueError(
                f"train.tokens.init_args.num_tokens: {self.num_tokens} is less than the {len(characters)}"
                " characters of the training transcripts, each of which is a token"
            )
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(normalized),
            model_writer=written,
            model_type=self.kind,
            vocab_size=self.num_tokens + 1,  # including the unknown piece, which is not a token
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            max_sentence_length=MAX_BYTES,
            unk_id=0,
            unk_piece=UNKNOWN,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
        self._model.LoadFromSerializedProto(written.getvalue())
        pieces = sorted(self._model.id_to_piece(index) for index in range(1, self._model.get_piece_size()))
        self.restore([BLANK, *pieces] if self.blank == "first" else [*pieces, BLANK])

    def state(self) -> str:
        """The serialised sentencepiece model in base64."""
        return base64.b64encode(self._model.serialized_model_proto()).decode()

    def restore_state(self, state: str) -> None:
        self._model.LoadFromSerializedProto(base64.b64decode(state, validate=True))

    def normalize(self, text: str) -> str:
        return super().normalize(text.replace(SPACE, " "))

    def split(self, text: str) -> list[str]:
        """Pieces; characters that no piece covers are single tokens."""
        found: list[str] = []
        for piece in self._model.encode(text, out_type=str):
            found += [piece] if piece in self._indices else list(piece)
        return found
