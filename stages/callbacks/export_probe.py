"""Check before training whether a model can be exported.

A separate process writes fresh weights in the formats of export.formats while training starts. So training
does not load the exporter's libraries, and their code is not part of the training's key. The result is kept
until the recipe or the code that it used changes.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from stages.program.inputs import PROJECT
from stages.program.outputs import forget_old, scratch_folder
from stages.program.used_code import are_there
from stages.program.versions import installed
from stages.schema.part import Part

TRIAL = "stages.formats.trial"
USUAL = Part(class_path="stages.formats.onnx_bundle.OnnxBundle")  # tried if no format is set
PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")
SWITCH = "EARSHOT_EXPORT_PROBE"  # 0 in the environment disables the probe
RANKS = ("LOCAL_RANK", "SLURM_LOCALID")  # of a training's processes on one machine
PATIENCE_SECONDS = 2.0


class ExportProbe:
    """A running trial, or the result of an earlier one. Without a ``verdict`` it does nothing."""

    def __init__(
        self,
        verdict: Path | None = None,
        wanted: bool = False,
        process: "subprocess.Popen[bytes] | None" = None,
    ) -> None:
        self.verdict = verdict
        self.wanted = wanted
        self.process = process

    def join(self) -> None:
        """Wait for the result. If it cannot be exported: ValueError if formats are set, else a warning."""
        if self.verdict is None:
            return
        said = f"complete output: {_log(self.verdict)}"
        found = {} if self._has_failed() else _read(self.verdict)
        if not found:
            print(f"warning: could not check whether this model can be exported ({said})", flush=True)
        elif found["reason"] and self.wanted:
            raise ValueError(
                f"export.formats: {found['reason']}. To train it without an export, set export.formats to"
                f" [] ({said})"
            )
        elif found["reason"]:
            print(f"warning: this model cannot be exported later. {found['reason']} ({said})", flush=True)

    def _has_failed(self) -> bool:
        """Whether the process ended without a verdict: killed when out of memory, for instance."""
        if self.process is None:
            return False
        try:
            return bool(self.process.wait(PATIENCE_SECONDS))
        except subprocess.TimeoutExpired:
            print("checking whether this model can be exported (some seconds for each layer)", flush=True)
            return bool(self.process.wait())


def start(recipe: str, formats: Sequence[Part]) -> ExportProbe:
    """Start to write a recipe's model (JSON of stages.tasks.checkpoint.Recipe) in these formats, or in
    OnnxBundle's if there are none. Starts nothing if the result is known, nor in the other processes of a
    training on several devices.
    """
    if os.environ.get(SWITCH) == "0" or any(os.environ.get(name, "0") != "0" for name in RANKS):
        return ExportProbe()
    folder = scratch_folder("export")
    with suppress(FileNotFoundError):  # another trial may remove files meanwhile
        forget_old(folder, days=30)
    parts = [part.model_dump() for part in formats or [USUAL]]
    versions = [sys.version, *map(installed, PACKAGES)]
    key = hashlib.sha256(json.dumps([recipe, parts, versions]).encode()).hexdigest()[:32]
    verdict = folder / f"{key}.json"
    known = _is_current(_read(verdict))
    request = {"recipe": recipe, "formats": parts, "parent": os.getpid()}
    return ExportProbe(verdict, bool(formats), None if known else _begin(verdict, request))


def _begin(verdict: Path, request: dict[str, Any]) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    alone = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    with TemporaryFile() as stdin, _log(verdict).open("w") as log:
        stdin.write(json.dumps(request).encode())
        stdin.seek(0)
        return subprocess.Popen(
            [sys.executable, "-m", TRIAL, str(verdict)],
            stdin=stdin, stdout=log, stderr=log, env={**os.environ, **alone},
        )  # fmt: skip


def _log(verdict: Path) -> Path:
    return verdict.with_suffix(".log")


def _read(verdict: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(verdict.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _is_current(found: dict[str, Any]) -> bool:
    """Whether the code that was used is unchanged."""
    code: dict[str, str] = found.get("code", {})
    return bool(code) and are_there(code)
