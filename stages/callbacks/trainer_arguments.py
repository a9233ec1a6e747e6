"""train.trainer: arguments of lightning.Trainer, some of them parts."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from stages.schema.families import TrainerPart
from stages.schema.part import Part
from stages.schema.problems import Place, problem, refusal

PART: TypeAdapter[Part] = TypeAdapter(TrainerPart)
DEVICES = {"devices": 1}  # more only if set, so that a run is the same on every machine


def built(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which every ``{class_path, init_args}``, such as a strategy, is built.

    Raises pydantic's ValidationError, each wrong part at its place.
    """
    return {name: _built(value, (name,)) for name, value in arguments.items()}


def _built(value: Any, place: Place) -> Any:
    if isinstance(value, list):
        return [_built(item, (*place, index)) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    try:
        return PART.validate_python(value).try_out()
    except ValidationError as error:
        raise refusal(
            [problem((*place, *at["loc"]), at["msg"], at["input"]) for at in error.errors()]
        ) from error
    except (ValueError, ImportError, AttributeError) as error:
        raise refusal([problem(place, str(error))]) from error
