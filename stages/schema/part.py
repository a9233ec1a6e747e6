"""Parts by dotted path: ``{class_path: stages.models.conformer.Conformer, init_args: {...}}``.

The signature of a class is its schema. A part is checked (importable, of the expected family, known
arguments of the right types and bounds, nested parts too) before anything runs, and built later.
"""

import importlib
import inspect
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, create_model
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


class Part(BaseModel):
    """A class by its dotted path, and the arguments that params.yaml gives it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    class_path: str
    init_args: dict[str, Any] = {}

    def load(self) -> Any:
        """The class itself."""
        return import_class(self.class_path)

    def build(self, **provided: Any) -> Any:
        """Construct the class; of what the pipeline provides it gets what its signature takes."""
        cls = self.load()
        written = bind(cls, self.init_args, dict.fromkeys(provided, "set by the caller"))
        takes = parameters_of(cls)
        return cls(**written, **{name: value for name, value in provided.items() if name in takes})


class Family:
    """Annotation of a Part: the base class it must have, and the arguments the pipeline provides.

    ``provides`` maps the name of such an argument to where its value comes from, for the message to
    somebody who writes it into params.yaml.
    """

    def __init__(self, base: str, provides: Mapping[str, str] | None = None) -> None:
        self.base = base
        self.provides = dict(provides or {})

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, part: Part) -> Part:
        cls = _class_of(part)
        base = import_class(self.base)
        if not (isinstance(cls, type) and issubclass(cls, base)):
            raise _error_at(("class_path",), part.class_path, f"{part.class_path} is no {self.base}")
        if cls is base or inspect.isabstract(cls):
            raise _error_at(
                ("class_path",), part.class_path, f"{part.class_path} is a base class, not one to use"
            )
        bind(cls, part.init_args, self.provides)
        return part


def import_class(class_path: str) -> Any:
    """The object behind a dotted path; ImportError or AttributeError when there is none."""
    module, _, name = class_path.rpartition(".")
    if not module:
        raise ImportError(f"{class_path!r} is not a dotted path such as package.module.Class")
    return getattr(importlib.import_module(module), name)


def parameters_of(cls: Any) -> dict[str, inspect.Parameter]:
    """Constructor parameters by name, without self; ``**kwargs`` included under its own name."""
    return dict(inspect.signature(cls).parameters)


def bind(
    cls: Any, init_args: Mapping[str, Any], provides: Mapping[str, str], key: str | None = "init_args"
) -> dict[str, Any]:
    """Check arguments against the constructor's signature and return them as their annotated types.

    Raises pydantic's ValidationError, with every wrong argument at its path below ``key``.
    A class may refuse combinations in a static method ``check_arguments(**init_args)`` (ValueError).
    """
    if written := [name for name in provides if name in init_args]:
        name = written[0]
        raise _error_at((key, name), init_args[name], f"not written here: it is {provides[name]}")
    model = _arguments_model(cls, provides)
    document = json.dumps({key: init_args} if key else init_args, default=str)
    whole = create_model(cls.__name__, **{key: (model, ...)}) if key else model  # type: ignore[call-overload]
    checked = whole.model_validate_json(document)
    arguments = getattr(checked, key) if key else checked
    values = {name: getattr(arguments, name) for name in init_args}
    if hasattr(cls, "check_arguments"):
        try:
            cls.check_arguments(**values)
        except ValueError as error:
            raise _error_at((key,), dict(init_args), str(error)) from error
    return values


def _arguments_model(cls: Any, provides: Mapping[str, str]) -> type[BaseModel]:
    parameters = parameters_of(cls)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    hints = _hints_of(cls)
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is p.empty and name not in provides else None)
        for name, p in parameters.items()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }
    config = ConfigDict(
        extra="allow" if open_ended else "forbid",
        strict=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
    )
    return create_model(cls.__name__, __config__=config, **fields)


def _hints_of(cls: Any) -> dict[str, Any]:
    try:
        return get_type_hints(getattr(cls, "__init__", cls), include_extras=True)
    except (NameError, TypeError):  # annotations of foreign classes need not be resolvable
        return {}


def _class_of(part: Part) -> Any:
    try:
        return import_class(part.class_path)
    except (ImportError, AttributeError) as error:
        near = _near_classes(part.class_path)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise _error_at(("class_path",), part.class_path, f"cannot import: {error}{hint}") from error


def _near_classes(class_path: str) -> list[str]:
    module, _, name = class_path.rpartition(".")
    try:
        names = dir(importlib.import_module(module))
    except (ImportError, ValueError):
        return []
    return [f"{module}.{near}" for near in get_close_matches(name, names, n=1)]


def _error_at(where: tuple[str | None, ...], value: Any, message: str) -> ValidationError:
    error = PydanticCustomError("part", "{message}", {"message": message})
    place = tuple(step for step in where if step)
    return ValidationError.from_exception_data("part", [InitErrorDetails(type=error, loc=place, input=value)])
