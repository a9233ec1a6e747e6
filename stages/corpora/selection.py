"""What the manifest takes of a corpus, and what training has more of than its own split."""

import hashlib
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from stages.corpora.corpus import Corpus, Utterance
from stages.schema import params as schema
from stages.schema.manifest_row import ManifestRow


@dataclass(frozen=True)
class ForTraining:
    """What training has beside the utterances of its split, by id, of all corpora.

    ``repeats`` is how many times more than once it takes an utterance in an epoch, where that is not 0;
    ``validation`` are those of the validation split that it takes too.
    """

    repeats: dict[str, int] = field(default_factory=dict)
    validation: set[str] = field(default_factory=set)

    def note(self, utterances: Iterable[Utterance], settings: schema.Corpus) -> None:
        """The selected utterances of one corpus."""
        for utterance in utterances:
            added = settings.add_validation_to_train and utterance.split == "validation"
            if added:
                self.validation.add(utterance.id)
            if settings.repeat and (added or utterance.split == "train"):
                self.repeats[utterance.id] = settings.repeat

    def added(self, splits: Mapping[str, list[ManifestRow]]) -> list[ManifestRow]:
        """The rows of validation that training takes too."""
        return [row for row in splits.get("validation", ()) if row.id in self.validation]

    def rows(self, splits: Mapping[str, list[ManifestRow]]) -> list[ManifestRow]:
        """The rows of the training manifest, sorted by id."""
        added = self.added(splits)
        rows = sorted([*splits["train"], *added], key=lambda row: row.id) if added else splits["train"]
        if not self.repeats:
            return rows
        return [row.model_copy(update={"repeat": self.repeats.get(row.id)}) for row in rows]


def select(utterances: Iterable[Utterance], settings: schema.Corpus, seed: int) -> list[Utterance]:
    """Those utterances of one corpus, each with its split, that its ``limit`` leaves.

    They are ordered by a hash of seed and id, and the first of each split are taken: of a share so many of
    what the corpus lists in that split, rounded up. So a larger limit holds all of a smaller one, and the
    order of the source makes no difference. Utterances that will be rejected count, since what is not taken
    is never decoded. Their ids get the corpus's ``id_prefix``.
    """
    by_split: dict[str | None, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_split[utterance.split].append(utterance)
    prefix, taken = settings.id_prefix, []
    for split, found in by_split.items():
        limit = settings.limit.get(split)  # type: ignore[call-overload] # a source may name any split
        if limit is not None:
            count = limit if isinstance(limit, int) else math.ceil(round(limit * len(found), 6))
            found = sorted(found, key=lambda utterance: _rank(utterance, seed))[:count]
        taken += [replace(u, id=prefix + u.id) for u in found] if prefix else found
    return taken


def _rank(utterance: Utterance, seed: int) -> tuple[bytes, str, float]:
    digest = hashlib.sha256(f"{seed}\0limit\0{utterance.id}".encode()).digest()
    return digest, str(utterance.audio), utterance.offset_seconds


def refuse_vain(utterances: Iterable[Utterance], settings: schema.Corpus, place: str) -> None:
    """ValueError where there is nothing to repeat, or to add to training."""
    splits = {utterance.split for utterance in utterances}
    for key, split in (("repeat", "train"), ("add_validation_to_train", "validation")):
        if getattr(settings, key) and split not in splits:
            raise ValueError(
                f"{place}.{key}: the corpus has no utterance of split {split}; give it a list for it, or a"
                f" share under manifest.carve, or leave {key} out"
            )


def refuse_shared_ids(corpora: Sequence[Sequence[Utterance]]) -> None:
    """ValueError where two corpora of the manifest, in its order, have ids in common."""
    ids = [{utterance.id for utterance in utterances} for utterances in corpora] if len(corpora) > 1 else []
    for one, two in combinations(range(len(ids)), 2):
        if shared := ids[one] & ids[two]:
            raise ValueError(
                f"manifest.corpora[{one}] and [{two}] have {len(shared)} ids in common, for instance"
                f" {min(shared)!r}: give one of them an id_prefix, so that each id means one utterance"
            )


def shares(corpus: Corpus, settings: schema.Manifest, place: str) -> dict[str, float]:
    """What is carved out of a corpus: its own shares, and manifest.carve's for other splits."""
    found = {str(split): share for split, share in settings.carve.items()} | dict(corpus.carve)
    if sum(found.values()) >= 1:
        raise ValueError(f"{place}: its shares and manifest.carve's leave nothing for training: {found}")
    return found


def warn_of_seen(num_utterances: int) -> None:
    """Says that validation is not of unseen utterances."""
    if num_utterances:
        print(
            f"warning: {num_utterances} validation utterances are in training too (add_validation_to_train):"
            " what validation shows is not what the model does on unseen speech",
            file=sys.stderr,
        )
