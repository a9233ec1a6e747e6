"""Selects the utterances of a corpus for the manifest, and what training has besides its split."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from stages.corpora.corpus import Corpus, Utterance
from stages.schema import families
from stages.schema import params as schema
from stages.schema.manifest_row import ManifestRow


@dataclass
class ForTraining:
    """What training has besides the utterances of its split, by id, of all corpora.

    ``repeats`` is how often an epoch repeats an utterance, where that is not 0. ``validation`` are the
    validation utterances to add to training, ``added`` those that were added; ``num_left_out`` counts those
    outside ``bounds`` (manifest.train_seconds).
    """

    bounds: schema.Bounds | None = None
    repeats: dict[str, int] = field(default_factory=dict)
    validation: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    num_left_out: int = 0

    def note(self, utterances: Iterable[Utterance], settings: families.Corpus) -> None:
        """Add the selected utterances of a corpus."""
        for utterance in utterances:
            added = settings.add_validation_to_train and utterance.split == "validation"
            if added:
                self.validation.add(utterance.id)
            if settings.repeat and (added or utterance.split == "train"):
                self.repeats[utterance.id] = settings.repeat

    def places(self, split: str, row: ManifestRow) -> Iterator[tuple[str, ManifestRow]]:
        """The splits whose manifests get a row, each with the row to write."""
        added = split == "validation" and row.id in self.validation
        if added and self.bounds and row.duration not in self.bounds:
            added = False
            self.num_left_out += 1
        if split != "train":
            yield split, row
        if split == "train" or added:
            repeat = self.repeats.get(row.id)
            yield "train", row.model_copy(update={"repeat": repeat}) if repeat else row
        if added:
            self.added.add(row.id)


def select(utterances: Iterable[Utterance], settings: families.Corpus, seed: int) -> list[Utterance]:
    """The utterances of one corpus, each with its split, within its ``limit``.

    Utterances are ordered by a hash of seed and id, and the first of each split are taken. A fraction is of
    what the corpus lists in that split, rounded up. So a larger limit includes a smaller one, and the order
    of the source makes no difference. Utterances that will be rejected count, as only those taken are
    decoded. Ids get the corpus's ``id_prefix``.
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
    digest = hashlib.sha256(f"{seed}\0limit\0{utterance.id}".encode("utf-8", "surrogatepass")).digest()
    return digest, str(utterance.audio), utterance.offset_seconds


def refuse_vain(utterances: Iterable[Utterance], settings: families.Corpus, place: str) -> None:
    """ValueError if there is nothing to repeat or to add to training."""
    splits = {utterance.split for utterance in utterances}
    for key, split in (("repeat", "train"), ("add_validation_to_train", "validation")):
        if getattr(settings, key) and split not in splits:
            raise ValueError(
                f"{place}.{key}: the corpus has no utterance in split {split}; give it a list for it, set a"
                f" fraction in manifest.carve, or remove {key}"
            )


def refuse_shared_ids(corpora: Sequence[Sequence[Utterance]]) -> None:
    """ValueError if two corpora, in the order of the manifest, have ids in common."""
    ids = [{utterance.id for utterance in utterances} for utterances in corpora] if len(corpora) > 1 else []
    for one, two in combinations(range(len(ids)), 2):
        if shared := ids[one] & ids[two]:
            raise ValueError(
                f"manifest.corpora[{one}] and [{two}] have {len(shared)} ids in common, for example"
                f" {min(shared)!r}: give one of them an id_prefix, so that each id means one utterance"
            )


def shares(corpus: Corpus, settings: schema.Manifest, place: str) -> dict[str, float]:
    """The fractions to carve out of a corpus: its own, and manifest.carve's for other splits."""
    found = {str(split): share for split, share in settings.carve.items()} | dict(corpus.carve)
    if sum(found.values()) >= 1:
        raise ValueError(f"{place}: its fractions and manifest.carve's leave nothing for training: {found}")
    return found
