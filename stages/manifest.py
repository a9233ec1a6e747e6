"""Corpora to manifests: data/manifest/{train,validation,test}.json, and rejected.json next to them.

Every recording is decoded once; every utterance either becomes a row or is rejected with a reason. limit,
repeat and add_validation_to_train of a corpus control what is taken, and how often training sees it. The
stage stops if more than manifest.max_rejected are rejected, if a split is empty, or if a speaker or a
recording is in two splits (non-overlapping pieces of a recording may be, if their speakers are known).
report.html next to the manifests describes the corpus and possible faults; if the stage stops, it is in
data/manifest.partial. artifacts/manifest/metrics.json has its figures.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

from stages.listing.admission import LEFT_OUT, Admission, Admitted
from stages.listing.admissions import Admissions
from stages.listing.recordings import Recordings
from stages.listing.selection import ForTraining, refuse_shared_ids, refuse_vain, select, shares
from stages.listing.sharing import shared
from stages.listing.splitting import carve
from stages.listing.utterances import Utterances
from stages.program.inputs import Inputs, entries
from stages.program.outputs import whole_folder, write_whole
from stages.program.printable import printable
from stages.program.stage import Stage
from stages.report.findings import Findings, study
from stages.report.metrics import metrics
from stages.report.page import page
from stages.report.rejections import Rejections
from stages.report.stops import stops
from stages.schema import params as schema
from stages.schema.manifest_row import REJECTED, row_line

PAGE = (  # what the report is made of; the folder has other pages too
    "rendering.py", "markup.py", "histogram.py", "corpus_report.html", "base.html", "style.css",
    "pieces.html", "histogram.html", "listings.html",
)  # fmt: skip
CODE = (
    "manifest.py", "schema", "program", "compat", "audio", "tables", "synthesis", "corpora", "listing",
    "report", *(f"pages/{name}" for name in PAGE),
)  # fmt: skip
STAGE = Stage(
    name="manifest",
    code=CODE,
    data=lambda params: [Path(params.manifest.root)],
)
OUTPUT = Path("data/manifest")
REPORT = "report.html"
METRICS = Path("artifacts/manifest/metrics.json")


def run(params: schema.Params, inputs: Inputs) -> None:
    settings = params.manifest
    root = Path(settings.root)
    _refuse_symlinks(root)
    with whole_folder(OUTPUT, keep_partial=True) as folder:  # the report is in it
        utterances, for_training = _gather(settings, root, folder / "audio")
        recordings = Recordings(utterances, root)
        admissions = Admissions(settings.splits, utterances, recordings)
        rejections = Rejections(settings.splits)
        admission = Admission(utterances, recordings, settings, root, folder)
        _write_rows(admission, admissions, rejections, for_training)
        clashes = list(shared(admissions))
        partial = Path(f"{OUTPUT}.partial")
        found = list(stops(admissions, rejections, clashes, settings, partial))
        findings = study(admissions, rejections, clashes, found, for_training)
        (folder / REPORT).write_text(page(findings), encoding="utf-8")
        if found:
            reasons = [printable(stop.text) for stop in found]
            raise ValueError("\n".join([*reasons, f"The report on this corpus: {partial / REPORT}"]))
    write_whole(METRICS, (json.dumps(metrics(findings), indent=2) + "\n").encode())
    _print(findings)


def _refuse_symlinks(root: Path) -> None:
    links = sorted(entry.path for entry in entries(str(root)) if entry.is_symlink())
    if links:
        raise ValueError(
            f"{links[0]}: a symlink below manifest.root ({len(links)} in all); DVC does not track its target."
            " Put the files themselves there, or make manifest.root itself the link."
        )


def _gather(settings: schema.Manifest, root: Path, audio_folder: Path) -> tuple[Utterances, ForTraining]:
    """The utterances taken from all corpora: listed, carved, limited, then with audio."""
    corpora = [(f"manifest.corpora[{n}]", part, part.build()) for n, part in enumerate(settings.corpora)]
    folders = [(audio_folder / str(number)).absolute() for number in range(len(corpora))]
    chosen, for_training = [], ForTraining(settings.train_seconds)
    for folder, (place, part, corpus) in zip(folders, corpora, strict=True):
        folder.mkdir(parents=True)
        listed = corpus.utterances(root, folder, settings.seed)
        carved = carve(listed, shares(corpus, settings, place), settings.seed)
        chosen.append(select(carved, part, settings.seed))
        refuse_vain(chosen[-1], part, place)
        for_training.note(chosen[-1], part)
    refuse_shared_ids(chosen)
    found = Utterances()
    for folder, (_, _, corpus) in zip(folders, corpora, strict=True):
        found.take(corpus.with_audio(chosen.pop(0), root, folder))
        if not any(folder.iterdir()):
            folder.rmdir()
    return found, for_training


def _write_rows(
    admission: Admission, admissions: Admissions, rejections: Rejections, for_training: ForTraining
) -> None:
    """Write every row as soon as it is admitted or rejected, so that memory never holds all of them."""
    folder = Path(admission.folder)
    with ExitStack() as stack:
        files = {
            name: stack.enter_context((folder / name).open("w", encoding="utf-8"))
            for name in (REJECTED, *(f"{split}.json" for split in admissions.splits))
        }
        for judged in admission.judge():
            if isinstance(judged, Admitted):
                admissions.add(judged)
                for split, row in for_training.places(judged.split, judged.row):
                    files[f"{split}.json"].write(row_line(row))
            else:
                rejections.add(judged)
                files[REJECTED].write(row_line(judged.row))


def _print(findings: Findings) -> None:
    for split in findings.splits:
        line = f"{split.name}: {split.utterances} utterances, {split.hours:.2f} h, "
        line += f"{split.speakers} speakers" if split.speakers else "speakers unknown"
        if known := findings.known.get(split.name):
            line += f", {known.total / split.utterances:.0%} of the transcripts also in train"
        print(line)
    print(f"rejected: {len(findings.rejections)}", *map(printable, findings.rejections.said()), sep="  ")
    odd = {
        "duplicates": findings.duplicates.total,
        "silent": findings.silent.total,
        "clipped": findings.clipped.total,
        "suspicious transcripts": findings.num_suspicious,
    }
    print(
        "to look at:", ", ".join(f"{count} {name}" for name, count in odd.items() if count) or "nothing odd"
    )
    print(f"report: {OUTPUT / REPORT}")
    if left_out := findings.validation_left_out:
        print(f"not added to training: {left_out} validation utterances, {LEFT_OUT}")
    if added := findings.validation_in_train:
        print(
            f"warning: {added} validation utterances are also in training (add_validation_to_train), not"
            " counted above: validation does not measure performance on unseen speech",
            file=sys.stderr,
        )


if __name__ == "__main__":
    STAGE.main(run, __doc__)
