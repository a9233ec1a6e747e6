"""Score the best checkpoint: metrics.json, hypotheses.parquet and classes.csv in artifacts/evaluate.

Every utterance of evaluate.split is decoded, however long. Rates are fractions over the corpus. With --split
or --checkpoint it all goes to artifacts/logs/evaluate/SPLIT: artifacts/evaluate belongs to evaluate.split.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from stages.batching.batches import loader
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import FeatureDataset
from stages.metrics.confusions import CLASS_COLUMNS, confusions, per_class
from stages.metrics.metric import Pairs
from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder, write_whole
from stages.program.progress import track
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.feature_table import INDEX, FeatureMetadata
from stages.schema.nested import built
from stages.search.search import Search
from stages.tasks.checkpoint import load
from stages.tasks.task import Hypothesis, Task
from stages.tasks.training_data import report_empty, report_unwritable

FEATURES = Path("data/features")
CHECKPOINT = Path("artifacts/train/best.ckpt")
OUTPUT = Path("artifacts/evaluate")
ASKED = Path("artifacts/logs/evaluate")  # of splits and checkpoints that people ask for
MAX_BATCH_SECONDS = 120.0


def _data(params: schema.Params, checkpoint: Path = CHECKPOINT) -> list[Path]:
    return [FEATURES, checkpoint, Path(params.evaluate.inputs)]


STAGE = Stage(
    name="evaluate",
    code=(
        "evaluate.py", "schema", "program", "compat", "padding", "frontends", "tokens", "augment", "audio",
        "batching", "models", "losses", "search", "metrics", "tasks",
    ),
    data=_data,
    trained=True,
)  # fmt: skip


def run(params: schema.Params, inputs: Inputs, checkpoint: Path = CHECKPOINT, output: Path = OUTPUT) -> None:
    settings = params.evaluate
    recipe, task = load(checkpoint)
    dataset = FeatureDataset(FEATURES / settings.split, task.tokens, held_out=True)
    _refuse_mismatch(recipe.features, dataset.metadata, checkpoint)
    search = _search(settings, recipe.features.sample_rate, task)
    report_unwritable(dataset, task, search)
    found = dict(_recognise(task, dataset, search))
    hypotheses = [found[name] for name in dataset.ids.to_pylist()]
    transcripts = dataset.texts.to_pylist()
    references = [task.tokens.normalize(text) for text in transcripts]
    unknown = [" ".join(task.tokens.unknown(text)) for text in transcripts]
    texts = [hypothesis.text for hypothesis in hypotheses]
    alternatives = [hypothesis.alternatives for hypothesis in hypotheses]
    metrics = {"num_utterances": len(dataset), **task.diagnose(hypotheses)}
    metrics["num_utterances_outside_vocabulary"] = _report_unknown(dataset, unknown)
    if empty := report_empty(dataset, references):
        metrics["num_utterances_without_reference"] = empty
    if seen := _report_seen(dataset, settings.split):
        metrics["num_utterances_trained_on"] = seen
    columns: dict[str, list[Any]] = {}
    pairs: Pairs = {}
    alike: dict[str, Mapping[str, str]] = {}
    for metric in (part.build() for part in settings.metrics):
        metrics |= metric.compute(references, texts)
        metrics |= metric.compute_ranked(references, alternatives)
        columns |= metric.per_utterance(references, texts)
        for kind, of_kind in metric.pairs(references, texts).items():
            pairs[kind] = of_kind
            alike[kind] = metric.indistinguishable(kind, {name for pair in of_kind for name in pair})
    _write_tables(pairs, alike, output)
    table: dict[str, Any] = {
        "id": dataset.ids,
        "speaker": dataset.speakers,
        "reference": references,
        "hypothesis": texts,
        "alternatives": pa.array(map(list, alternatives), pa.list_(pa.string())),
    }
    _write({**table, "outside_vocabulary": unknown, **columns}, dict(sorted(metrics.items())), output)


def _search(settings: schema.Evaluate, sample_rate: int, task: Task) -> Search | None:
    """The one to take the place of the task's own, with what it reads from evaluate.inputs."""
    if settings.search is None:
        return None
    search: Search = built(settings.search, Path(settings.inputs), sample_rate, tokens=task.tokens)
    return search


def _recognise(
    task: Task, dataset: FeatureDataset, search: Search | None
) -> Iterator[tuple[str, Hypothesis]]:
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    task.to(device)
    batches = loader(dataset, DurationSampler(dataset.seconds, MAX_BATCH_SECONDS))
    for batch in track(batches, "decoding", len(batches), "batches"):
        with torch.inference_mode():
            hypotheses = task.decode(task.encode(batch.to(device)), search)
        yield from zip(batch.ids, hypotheses, strict=True)


def _refuse_mismatch(trained_on: FeatureMetadata, cached: FeatureMetadata, checkpoint: Path) -> None:
    before, now = trained_on.model_dump(), cached.model_dump()
    differing = [f"{key}: model {before[key]}, cache {now[key]}" for key in before if before[key] != now[key]]
    if differing:
        raise ValueError(
            f"{FEATURES} is not what {checkpoint} was trained on; run train. {'; '.join(differing)}"
        )


def _report_unknown(dataset: FeatureDataset, unknown: list[str]) -> int:
    """Utterances with characters that the model cannot write: scored as they are, and named."""
    concerned = [
        (name, tokens) for name, tokens in zip(dataset.ids.to_pylist(), unknown, strict=True) if tokens
    ]
    for name, tokens in concerned:
        print(f"utterance {name}: outside the vocabulary, so counted as errors: {tokens}")
    return len(concerned)


def _report_seen(dataset: FeatureDataset, split: str) -> int:
    """How many utterances training has too, as manifest.corpora may ask for (add_validation_to_train)."""
    trained_on = pq.read_table(FEATURES / "train" / INDEX, columns=["id"])["id"]
    seen: int = pc.sum(pc.is_in(pa.array(dataset.ids, pa.string()), trained_on)).as_py() or 0
    if seen:
        print(
            f"warning: {seen} of {len(dataset)} utterances of {split} are in training too: these are not the"
            " error rates of unseen speech",
            file=sys.stderr,
        )
    return seen


def _write_tables(pairs: Pairs, alike: Mapping[str, Mapping[str, str]], output: Path) -> None:
    """confusions/KIND.csv, for DVC's plots, and classes.csv, with a column of what cannot be told apart."""
    with whole_folder(output / "confusions") as folder:
        for kind, of_kind in sorted(pairs.items()):
            pd.DataFrame(confusions(of_kind), columns=["reference", "hypothesis"]).to_csv(
                folder / f"{kind}.csv", index=False
            )
    rows = [row for kind, of_kind in sorted(pairs.items()) for row in per_class(kind, of_kind)]
    table = pd.DataFrame(rows, columns=CLASS_COLUMNS)
    if any(alike.values()):
        table["indistinguishable_from"] = [alike[row["kind"]].get(row["class"], "") for row in rows]
    write_whole(output / "classes.csv", table.to_csv(index=False).encode())


def _write(table: dict[str, Any], metrics: dict[str, float], output: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(table), sink)
    write_whole(output / "hypotheses.parquet", sink.getvalue().to_pybytes())
    write_whole(output / "metrics.json", (json.dumps(metrics, indent=1) + "\n").encode())
    for name, value in metrics.items():
        print(f"{name:36} {value:.4f}" if isinstance(value, float) else f"{name:36} {value}")


def main() -> None:
    parser = STAGE.parser(__doc__)
    parser.add_argument("--split", choices=["validation", "test"], help="instead of evaluate.split")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help=f"instead of {CHECKPOINT}")
    given = parser.parse_args()
    if not given.split and not given.checkpoint:
        STAGE.start(run, given.params)
        return
    checkpoint = given.checkpoint or CHECKPOINT

    def asked(params: schema.Params, inputs: Inputs) -> None:
        split = given.split or params.evaluate.split
        of_split = params.evaluate.model_copy(update={"split": split})
        run(params.model_copy(update={"evaluate": of_split}), inputs, checkpoint, ASKED / split)

    replace(STAGE, data=partial(_data, checkpoint=checkpoint)).start(asked, given.params)


if __name__ == "__main__":
    main()
