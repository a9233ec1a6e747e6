"""Stands in for the evaluate stage: the share of words that the checkpoint names is wrong, the same ones for
every checkpoint and more. The metrics are the real ones.
"""

import json
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stages.metrics.confusions import CLASS_COLUMNS
from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder, write_whole
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.feature_table import INDEX

FEATURES = Path("data/features")
CHECKPOINT = Path("artifacts/train/best.ckpt")
OUTPUT = Path("artifacts/evaluate")
STAGE = Stage(
    name="evaluate",
    code=("evaluate.py", "schema", "program", "metrics"),
    data=lambda params: [FEATURES, CHECKPOINT, Path(params.evaluate.inputs)],
    trained=True,
)


def run(params: schema.Params, inputs: Inputs, split: str | None = None) -> None:
    output = Path("artifacts/logs/evaluate") / split if split else OUTPUT
    split = split or params.evaluate.split
    error_rate, _ = json.loads(CHECKPOINT.read_text())
    index = pq.read_table(FEATURES / split / INDEX).to_pydict()
    texts = [_heard(name, text, error_rate) for name, text in zip(index["id"], index["text"], strict=True)]
    columns: dict[str, list[Any]] = {"id": index["id"], "speaker": index["speaker"]}
    columns |= {"reference": index["text"], "hypothesis": texts}
    metrics: dict[str, float] = {"num_utterances": len(texts), "blank_ratio": 0.1}
    for metric in (part.build() for part in params.evaluate.metrics):
        metrics |= metric.compute(index["text"], texts)
        columns |= metric.per_utterance(index["text"], texts)
    write_whole(output / "metrics.json", f"{json.dumps(metrics, indent=1, sort_keys=True)}\n".encode())
    pq.write_table(pa.table(columns), output / "hypotheses.parquet")
    write_whole(output / "classes.csv", (",".join(CLASS_COLUMNS) + "\n").encode())
    with whole_folder(output / "confusions") as folder:
        (folder / "words.csv").write_text("reference,hypothesis\n")


def _heard(name: str, text: str, error_rate: float) -> str:
    """Words below the error rate are wrong, where every word of every utterance has its place in [0, 1]."""
    places = [zlib.crc32(f"{name} {number}".encode()) / 2**32 for number in range(text.count(" ") + 1)]
    words = zip(text.split(" "), places, strict=True)
    return " ".join("?" if place < error_rate else word for word, place in words)


if __name__ == "__main__":
    parser = STAGE.parser(__doc__)
    parser.add_argument("--split")
    given = parser.parse_args()
    STAGE.start(partial(run, split=given.split), given.params)
