"""train.trainer: any argument of lightning.Trainer, checked against its signature and by constructing it."""

import logging
from collections.abc import Iterator
from typing import Any

from lightning.pytorch import Trainer
from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from stages.callbacks.trainer_arguments import DEVICES, built
from stages.schema.part import bind
from stages.schema.problems import Place, Problems, joined, of_error, problem, refusal

PLACE: Place = ("train", "trainer")
OWNED = {
    "default_root_dir": "artifacts/logs, set by the stage",
    "logger": "train.loggers",
    "callbacks": "train.callbacks",
    "enable_checkpointing": "always true, as resuming needs it",
    "use_distributed_sampler": "always false, as the stage distributes batches among devices",
}
AS_THE_STAGE = {"logger": False, "enable_checkpointing": True}
POSITIVE = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "limit_train_batches",
    "limit_val_batches",
    "val_check_interval",
)
NOT_ZERO = ("max_epochs", "max_steps")
LAUNCHED_WITHIN = ("spawn", "fork", "notebook")  # strategies that start processes within a program


def arguments(params: Any) -> Problems:
    """Check names and types against the signature, values by constructing a Trainer."""
    try:
        _check(params.train.trainer)
    except ValidationError as error:
        yield from of_error(error, PLACE)
    except ValueError as error:
        yield problem(PLACE, str(error))


def _check(arguments: dict[str, Any]) -> None:
    found = [refusal(impossible)] if (impossible := list(_impossible(arguments))) else []
    plain = {name: value for name, value in arguments.items() if not _has_parts(value)}
    try:
        bind(Trainer, plain, OWNED, key=None)
    except ValidationError as error:
        found.append(error)
    try:
        whole = built(arguments)
    except ValidationError as error:
        found.append(error)
    if found:
        raise joined(found)
    chatter = logging.getLogger("lightning.pytorch")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        Trainer(**{"enable_progress_bar": False, **DEVICES, **whole, **AS_THE_STAGE})
    except Exception as error:  # Lightning raises many exception types
        raise ValueError(f"lightning.Trainer refuses these arguments: {error}") from error
    finally:
        chatter.setLevel(level)


def _has_parts(value: Any) -> bool:
    return any(isinstance(item, dict) for item in (value if isinstance(value, list) else [value]))


def _impossible(arguments: dict[str, Any]) -> Iterator[InitErrorDetails]:
    """Values that Lightning accepts, but that train nothing or fail during training."""
    numbers = {name: value for name, value in arguments.items() if isinstance(value, int | float)}
    for name, value in numbers.items():
        if name in POSITIVE and value <= 0:
            yield problem((name,), "Input should be greater than 0", value)
        if name in NOT_ZERO and value == 0:
            yield problem((name,), "nothing would be trained (-1 is no limit)", value)
        if name == "gradient_clip_val" and value < 0:
            yield problem((name,), "Input should be greater than or equal to 0", value)
    last, every = numbers.get("max_epochs", -1), numbers.get("check_val_every_n_epoch", 1)
    if 0 < last < every and not arguments.get("fast_dev_run"):
        yield problem(("check_val_every_n_epoch",), f"training would never validate in {last} epochs", every)
    if arguments.get("barebones"):
        yield problem(
            ("barebones",), "disables the logging and saving that training needs; set it to false", True
        )
    strategy = arguments.get("strategy")
    if isinstance(strategy, str) and any(word in strategy for word in LAUNCHED_WITHIN):
        yield problem(
            ("strategy",), "the stage cannot stop and resume the processes that it starts; use ddp", strategy
        )
