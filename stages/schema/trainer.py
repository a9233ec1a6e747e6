"""train.trainer: any argument of lightning.Trainer, checked by its signature and by constructing one."""

import logging
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from stages.schema.part import bind, import_class

OWNED = {
    "default_root_dir": "artifacts/logs, set by the stage",
    "logger": "train.loggers",
    "callbacks": "train.callbacks",
    "enable_checkpointing": "always on: resuming needs it",
}
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}


def _check(arguments: dict[str, Any]) -> dict[str, Any]:
    trainer = import_class("lightning.Trainer")
    bind(trainer, arguments, OWNED, key=None)
    chatter = logging.getLogger("lightning.pytorch")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        trainer(**{**arguments, **QUIET})
    except ValidationError:
        raise
    except Exception as error:  # Lightning refuses values with many exception types
        raise ValueError(f"lightning.Trainer refuses these arguments: {error}") from error
    finally:
        chatter.setLevel(level)
    return arguments


TrainerArguments = Annotated[dict[str, Any], AfterValidator(_check)]
