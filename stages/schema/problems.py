"""Problems of params.yaml, each with its place, all reported in one error."""

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
    """A problem at its place; ``found`` is the value there, if it helps to show it."""
    error = PydanticCustomError("part", "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=place, input={} if found is None else found)


def refusal(problems: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("params", problems)


def of_error(error: ValidationError, above: Place = ()) -> Problems:
    """The problems in an error, with ``above`` put before their places."""
    for detail in error.errors(include_url=False):
        kind = PydanticCustomError(detail["type"], "{message}", {"message": detail["msg"]})
        yield InitErrorDetails(type=kind, loc=(*above, *detail["loc"]), input=detail["input"])


def joined(errors: Iterable[ValidationError], above: Place = ()) -> ValidationError:
    """One error with the problems of all these, with ``above`` put before their places."""
    return refusal([found for error in errors for found in of_error(error, above)])
