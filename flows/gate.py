"""Decide whether a candidate may be promoted, by comparing both models on the same utterances."""

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from flows import champion
from flows.dvc_command import HYPOTHESES, METRICS
from flows.params_file import read_yaml
from flows.tied import tied

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Gate:
    """Conditions for the promotion of a candidate; rates are fractions."""

    metric: str = "wer"
    margin: Annotated[float, Field(ge=-1, le=1)] = 0.0
    confidence: Share = 0.95
    max_blank_ratio_rise: Share = 0.1
    max_worst_speaker_rise: Annotated[float, Field(ge=0)] = 0.1
    max_distribution_distance: Share = 0.5
    max_new_characters: Share = 0.02

    def check_metric(self, champions: Path) -> None:
        """ValueError if the champion's hypotheses.parquet has no scores for the metric."""
        ending = "_edits"
        names = [name for name in pq.read_schema(champions).names if name.endswith(ending)]
        if f"{self.metric}{ending}" not in names:
            known = ", ".join(name.removesuffix(ending) for name in names)
            raise ValueError(f"gate: no metric {self.metric!r} to compare by; the champion has {known}")


@dataclass(frozen=True)
class Judgement:
    """The reasons against a promotion, the rates, the comparison as text and in figures, and the champion's
    hypotheses on the same utterances.
    """

    refusals: list[str]
    rates: str
    text: str
    comparison: dict[str, Any]
    hypotheses: Path


@task(cache_policy=NO_CACHE)
def judge(gate: Gate, tag: str, hypotheses: Path, clone: Path, project: Path) -> Judgement:
    """Compare the champion's ``hypotheses`` with the candidate's, in the clone."""
    if not _asked(hypotheses) <= _asked(clone / HYPOTHESES):
        get_run_logger().info("the test set has changed: scoring %s on it, too", tag)
        hypotheses = _scored_again(tag, clone, project)
    command = ["stages.commands.compare", str(hypotheses), str(HYPOTHESES)]
    command += ["--metric", gate.metric, "--margin", str(gate.margin)]
    printed = [_run(command + options, clone) for options in (["--json"], [])]
    comparison = json.loads(printed[0])
    metrics = [champion.metrics(tag, project), json.loads((clone / METRICS).read_text())]
    refusals = _refusals(comparison, metrics, gate)
    return Judgement(refusals, _rates(comparison, gate), printed[1], comparison, hypotheses)


def _asked(hypotheses: Path) -> set[tuple[str, str]]:
    """The ids and references of the utterances in a hypotheses file."""
    rows = pq.read_table(hypotheses, columns=["id", "reference"]).to_pydict()
    return set(zip(rows["id"], rows["reference"], strict=True))


def _scored_again(tag: str, clone: Path, project: Path) -> Path:
    """Run the champion on the clone's test utterances; return its hypotheses."""
    folder = clone.parent / "scored-again"
    checkpoint = Path("artifacts/train/best.ckpt")
    inputs = Path(read_yaml(clone / "params.yaml")["evaluate"]["inputs"])
    own = [] if inputs.is_absolute() else [inputs]
    for path in (Path("stages"), Path("params.yaml"), Path("data/features"), *own):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).unlink(missing_ok=True)
        (folder / path).symlink_to(clone / path)
    (folder / checkpoint).parent.mkdir(parents=True, exist_ok=True)
    (folder / checkpoint).write_bytes(champion.file(tag, checkpoint, project).read_bytes())
    _run(["stages.evaluate"], folder)
    return folder / HYPOTHESES


def _run(command: list[str], folder: Path) -> str:
    """Return what a program prints; ValueError with its error output if it fails."""
    done = subprocess.run(tied(*command), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip() or f"{command[0]} ended with exit code {done.returncode}")
    return done.stdout


def _rates(comparison: dict[str, Any], gate: Gate) -> str:
    return (
        f"{gate.metric} {comparison['champion']:.4f} -> {comparison['candidate']:.4f}: better by more than"
        f" {gate.margin:g} with probability {comparison['probability_better']:.3f}"
    )


def _refusals(comparison: dict[str, Any], metrics: list[dict[str, Any]], gate: Gate) -> list[str]:
    found = []
    if comparison["probability_better"] < gate.confidence:
        found.append(f"{_rates(comparison, gate)}, less than {gate.confidence:g}")
    worst = [max(speaker[side] for speaker in comparison["speakers"]) for side in ("champion", "candidate")]
    if worst[1] - worst[0] > gate.max_worst_speaker_rise:
        limit = f"up by more than {gate.max_worst_speaker_rise:g}"
        found.append(f"{gate.metric} of the worst speaker {worst[0]:.4f} -> {worst[1]:.4f}, {limit}")
    blank = [float(of.get("blank_ratio", 0.0)) for of in metrics]
    if blank[1] - blank[0] > gate.max_blank_ratio_rise:
        limit = f"up by more than {gate.max_blank_ratio_rise:g}"
        found.append(f"blank ratio {blank[0]:.4f} -> {blank[1]:.4f}, {limit}")
    return found
