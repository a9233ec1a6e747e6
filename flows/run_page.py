"""The page of a run in the Prefect UI: progress, metrics, curves, transcripts and params."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.logging import get_run_logger

from flows import champion
from flows.dvc_command import HISTORY, HYPOTHESES, METRICS, REPORT, TRAINING_PICTURE
from flows.git_command import commit
from flows.params_file import read_yaml
from flows.scoring import scores
from stages.program.outputs import forget_old, write_whole

EPOCH = re.compile(r"epoch (\d+)/(\d+)  (.*)")
NUM_TRANSCRIPTS = 12


class Progress:
    """A progress artifact that follows the lines that training prints."""

    def __init__(self) -> None:
        self.artifact: Any = None

    def follow(self, line: str) -> None:
        if not (found := EPOCH.match(line)):
            return
        percent, description = (
            100 * int(found[1]) / int(found[2]),
            f"epoch {found[1]} of {found[2]}: {found[3]}",
        )
        try:
            if self.artifact:
                update_progress_artifact(self.artifact, percent, description)
            else:
                self.artifact = create_progress_artifact(percent, "training-progress", description)
        except Exception as error:  # noqa: BLE001 - the display must not fail the training
            get_run_logger().warning("cannot show the progress: %s", error)


def show(folder: Path, up_to_date: set[str]) -> None:
    """Create the artifacts of the stages that are up to date; outputs of other stages are from other runs."""
    of_stage = {"train": [_loss], "evaluate": [_metrics, _transcripts, _report]}
    makers = [maker for name, makers in of_stage.items() if name in up_to_date for maker in makers]
    make_all([*makers, _params], folder)


def make_all(makers: Iterable[Callable[..., None]], *given: Any) -> None:
    """Create artifacts; log those that fail."""
    for make in makers:
        try:
            make(*given)
        except Exception as error:  # noqa: BLE001 - the page must not fail the run
            get_run_logger().warning("cannot show the%s: %s", make.__name__.replace("_", " "), error)
            if isinstance(error, httpx.TransportError):  # it has retried for a minute
                break


def metrics_table(folder: Path) -> list[dict[str, Any]]:
    """A row for each metric: this run and the champion, if there is one."""
    now: dict[str, float] = json.loads((folder / METRICS).read_text())
    promoted = champion.current(folder)
    before = champion.metrics(promoted, folder) if promoted else {}
    rows = []
    for name in sorted(now, key=lambda name: f"{name}_ci_low" not in now):  # rates with an interval first
        value = now[name]
        row: dict[str, Any] = {"metric": name, "this run": _rounded(value)}
        rows.append(row | ({promoted: _rounded(before.get(name))} if promoted else {}))
    return rows


def _rounded(value: float | None) -> float | None:
    return round(value, 4) if isinstance(value, float) else value


def _metrics(folder: Path) -> None:
    split = read_yaml(folder / "params.yaml")["evaluate"]["split"]
    create_table_artifact(metrics_table(folder), "metrics", f"Metrics of the {split} split")


def show_scores(folder: Path, split: str) -> None:
    """Show the metrics of a requested split."""
    rows = [{"metric": name, split: _rounded(value)} for name, value in scores(folder, split).items()]
    create_table_artifact(rows, "metrics", f"Metrics of the {split} split")


def _loss(folder: Path) -> None:
    show_picture(picture(folder), "loss", "Loss, error rates, learning rate and gradient norm")


def show_picture(uri: str, key: str, description: str) -> None:
    """Show a picture as Markdown: an image artifact would print its complete URI, too."""
    create_markdown_artifact(f"![{description}]({uri})", key, description)


def picture(folder: Path) -> str:
    """The training curves as a data: URI, drawn once for each history, which may come from DVC's cache."""
    history = (folder / HISTORY).read_bytes()
    kept = folder / ".scratch" / "pictures" / f"{hashlib.sha256(history).hexdigest()[:32]}.png"
    if not kept.exists():
        command = [sys.executable, "-m", "stages.callbacks.training_picture"]
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        write_whole(kept, (folder / TRAINING_PICTURE).read_bytes())
        forget_old(kept.parent, days=30)
    return uri_of(kept.read_bytes())


def png_uri(figure: Any, bbox_inches: str | None = None) -> str:
    """A matplotlib figure as a data: URI, which a page shows offline."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100, bbox_inches=bbox_inches)
    return uri_of(stream.getvalue())


def uri_of(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _transcripts(folder: Path) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / HYPOTHESES, columns=["id", "reference", "hypothesis"]).to_pylist()
    wrong = [row for row in rows if row["reference"] != row["hypothesis"]]
    right = [row for row in rows if row["reference"] == row["hypothesis"]]
    chosen = [*wrong[: NUM_TRANSCRIPTS * 2 // 3], *right][:NUM_TRANSCRIPTS]
    text = f"{len(wrong)} of {len(rows)} hypotheses differ from their reference; examples of both kinds"
    create_table_artifact(chosen, "transcripts", text)


def _params(folder: Path) -> None:
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    create_markdown_artifact(
        f"Commit {commit(folder)}\n\n```yaml\n{text}\n```", "params", "Commit and params of the run"
    )


def _report(folder: Path) -> None:
    if (folder / REPORT).exists():
        create_link_artifact((folder / REPORT).resolve().as_uri(), "report.html", "report")
