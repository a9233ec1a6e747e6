"""Why a format cannot write a model, in one sentence: the class that causes it, and an alternative."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from torch import nn
from torch.nn.utils.rnn import PackedSequence

from stages.models.encoder import Encoder
from stages.program.printable import printable
from stages.tasks.task import Task

PACKAGE = Path(__file__).parents[1]
SPOKEN = (PACKAGE / "formats", PACKAGE / "tasks")  # their ValueErrors are sentences already
OURS = ("stages.formats.", "stages.tasks.")  # they call the class that fails
PACKING = "pack_padded_sequence"
LONGEST = 300  # characters of a library's message


def refusal(error: Exception, task: Task) -> str:
    """The message for an exception raised while writing this task's model."""
    chain = list(_causes(error))
    if isinstance(error, ValueError) and _is_spoken(error):
        return str(error)
    frames = [frame for each in chain for frame, _ in traceback.walk_tb(each.__traceback__)]
    culprit = _culprit(frames, task)
    if _packs(frames) or any(PACKING in str(each) for each in chain):
        return (
            f"{culprit} packs its sequences ({PACKING}), which cannot be exported; use Recurrent, in"
            " stages/models/recurrent.py, a GRU or LSTM layer for padded batches"
        )
    return f"{culprit} cannot be exported: {_said(chain[-1])}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and its causes, down to the first one."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _is_spoken(error: Exception) -> bool:
    last = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return any(last.is_relative_to(folder) for folder in SPOKEN)


def _culprit(frames: list[FrameType], task: Task) -> str:
    """The innermost module in stages/ that was running, else the task's encoder."""
    computed = [type(own) for frame in frames if isinstance(own := frame.f_locals.get("self"), nn.Module)]
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in computed]
    inner = [name for name in names if name.startswith("stages.") and not name.startswith(OURS)]
    if inner:
        return inner[-1]
    cls = type(next((module for module in task.modules() if isinstance(module, Encoder)), task))
    return f"{cls.__module__}.{cls.__qualname__}"


def _packs(frames: list[FrameType]) -> bool:
    return any(
        isinstance(value, PackedSequence) for frame in frames for value in list(frame.f_locals.values())
    )


def _said(error: BaseException) -> str:
    """An exception's type and first line, and its second if the first ends with a colon."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    text = printable(" ".join(lines[: 2 if lines and lines[0].endswith(":") else 1]))
    return f"{type(error).__name__}: {text[:LONGEST]}" if text else type(error).__name__
