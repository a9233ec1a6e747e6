"""Problems of params.yaml: what is wrong at which place, all of them said in one error."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Place = tuple[str | int, ...]
Problems = Iterator[InitErrorDetails]


def dotted(place: Place) -> str:
    """A place as people write it: ``manifest.corpora[0].limit``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def problem(place: Place, message: str, found: Any = None) -> InitErrorDetails:
    """A problem at its place; ``found`` is the value there, where it helps to show it."""
    error = PydanticCustomError("part", "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=place, input={} if found is None else found)


def refusal(problems: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("params", problems)


def of_error(error: ValidationError, above: Place = ()) -> Problems:
    """The problems that an error says, of what lies at a place."""
    for detail in error.errors(include_url=False):
        kind = PydanticCustomError(detail["type"], "{message}", {"message": detail["msg"]})
        yield InitErrorDetails(type=kind, loc=(*above, *detail["loc"]), input=detail["input"])


def joined(errors: Iterable[ValidationError], above: Place = ()) -> ValidationError:
    """One error that says all that these say, of what lies at a place."""
    return refusal([found for error in errors for found in of_error(error, above)])
