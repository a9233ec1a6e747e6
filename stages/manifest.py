"""Corpora to manifests: data/manifest/{train,validation,test}.json, and rejected.json beside them.

Every utterance is decoded once and either becomes a row or is rejected with its reason. The stage
stops when more than manifest.max_rejected of them are, when a split is empty, or when a speaker or a
recording is in two splits (of a recording, pieces without overlap may be, if their speakers are known).
Of each corpus limit, repeat and add_validation_to_train say what is taken, and by training how often.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from stages.corpora.admission import Splits, admit
from stages.corpora.corpus import Utterance
from stages.corpora.selection import (
    ForTraining,
    refuse_shared_ids,
    refuse_vain,
    select,
    shares,
    warn_of_seen,
)
from stages.corpora.splitting import carve, refuse_shared, speaker_key
from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.manifest_row import REJECTED, RejectedRow, write_rows

STAGE = Stage(
    name="manifest",
    code=("manifest.py", "schema", "program", "corpora"),
    data=lambda params: [Path(params.manifest.root)],
)
OUTPUT = Path("data/manifest")


def run(params: schema.Params, inputs: Inputs) -> None:
    settings = params.manifest
    root = Path(settings.root)
    _refuse_symlinks(root)
    with whole_folder(OUTPUT) as folder:
        utterances, for_training = _gather(settings, root, folder / "audio")
        splits, rejected = admit(utterances, settings, root, folder)
        write_rows(folder / REJECTED, rejected)
        _refuse_bad_splits(splits, rejected, len(utterances), settings)
        for split, rows in splits.items():
            written = for_training.rows(splits) if split == "train" else rows
            write_rows(folder / f"{split}.json", written)
    _report(splits, rejected)
    warn_of_seen(len(for_training.added(splits)))


def _refuse_symlinks(root: Path) -> None:
    links = sorted(str(path) for path in root.rglob("*") if path.is_symlink())
    if links:
        raise ValueError(
            f"{links[0]}: a symlink below manifest.root ({len(links)} in all); DVC does not see what changes"
            " behind it. Put the files themselves there, or make manifest.root itself the link."
        )


def _gather(settings: schema.Manifest, root: Path, audio_folder: Path) -> tuple[list[Utterance], ForTraining]:
    """What is taken of all corpora: listed, then carved and limited, then with its audio."""
    corpora = [(f"manifest.corpora[{n}]", part, part.build()) for n, part in enumerate(settings.corpora)]
    folders = [(audio_folder / str(number)).absolute() for number in range(len(corpora))]
    chosen, for_training = [], ForTraining()
    for folder, (place, part, corpus) in zip(folders, corpora, strict=True):
        folder.mkdir(parents=True)
        listed = corpus.utterances(root, folder, settings.seed)
        carved = carve(listed, shares(corpus, settings, place), settings.seed)
        chosen.append(select(carved, part, settings.seed))
        refuse_vain(chosen[-1], part, place)
        for_training.note(chosen[-1], part)
    refuse_shared_ids(chosen)
    found = []
    for folder, (_, _, corpus), utterances in zip(folders, corpora, chosen, strict=True):
        found += corpus.with_audio(utterances, root, folder)
        if not any(folder.iterdir()):
            folder.rmdir()
    return found, for_training


def _refuse_bad_splits(
    splits: Splits, rejected: list[RejectedRow], num_utterances: int, settings: schema.Manifest
) -> None:
    if len(rejected) > settings.max_rejected * num_utterances:
        reasons = Counter(row.reason for row in rejected).most_common()
        examples = "; ".join(f"{row.id}: {row.reason} ({row.value})" for row in rejected[:3])
        raise ValueError(
            f"{len(rejected)} of {num_utterances} utterances were rejected, manifest.max_rejected allows"
            f" {settings.max_rejected:.2%}. {'; '.join(f'{count} x {reason}' for reason, count in reasons)}."
            f" First: {examples}. All of them: {OUTPUT}.partial/{REJECTED}"
        )
    if empty := [split for split, rows in splits.items() if not rows]:
        raise ValueError(
            f"no utterance in split {', '.join(empty)}: give the corpus a list for it, or a larger"
            " share under manifest.carve"
        )
    refuse_shared(splits)


def _report(splits: Splits, rejected: Iterable[RejectedRow]) -> None:
    known = {row.text for row in splits["train"]}
    for split, rows in splits.items():
        hours = sum(row.duration for row in rows) / 3600
        speakers = len({speaker_key(row.speaker) for row in rows} - {None})
        line = f"{split}: {len(rows)} utterances, {hours:.2f} h, "
        line += f"{speakers} speakers" if speakers else "speakers unknown"
        if split != "train":
            share = sum(row.text in known for row in rows) / len(rows)
            line += f", {share:.0%} of the transcripts also in train"
        print(line)
    reasons = Counter(row.reason for row in rejected)
    print(
        f"rejected: {sum(reasons.values())}", *(f"  {count} x {reason}" for reason, count in reasons.items())
    )


if __name__ == "__main__":
    STAGE.main(run, __doc__)
