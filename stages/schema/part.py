"""Parts by dotted path: ``{class_path: stages.models.conformer.Conformer, init_args: {...}}``.

The signature of a class is its schema. A part and its nested parts are checked before anything runs (the
class can be imported and belongs to the family; arguments are known and have valid values) and built later.
"""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from stages.schema.extras import advice
from stages.schema.moved import refuse_both_names, with_new_names
from stages.schema.problems import joined, problem, refusal

PROJECT = Path(__file__).parents[2]
SHAPE_ALONE = "shape alone"  # pydantic context in which families do not import classes


class Part(BaseModel):
    """A class by its dotted path, and the arguments that params.yaml gives it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    class_path: str  #: the class, by its dotted path
    init_args: dict[str, Any] = {}  #: arguments of its constructor

    @model_validator(mode="before")
    @classmethod
    def rename(cls, written: Any) -> Any:
        """Replace old names by new ones, here and in nested parts."""
        found = with_new_names(written)
        refuse_both_names(found)
        return found

    def load(self) -> Any:
        """Import and return the class."""
        return import_class(self.class_path)

    def build(self, **provided: Any) -> Any:
        """Construct the class, with the provided arguments that its signature has."""
        cls = self.load()
        written = bind(cls, self.init_args, dict.fromkeys(provided, "set by the caller"))
        takes = parameters_of(cls)
        return cls(**written, **{name: value for name, value in provided.items() if name in takes})

    def try_out(self, **provided: Any) -> Any:
        """Build the part as a check; ValueError with the message of the class if that fails."""
        try:
            return self.build(**provided)
        except Exception as error:  # a class may raise any exception
            raise ValueError(f"{self.class_path} refuses these arguments: {error}") from error


class Family:
    """Annotation of a Part: the base class or classes it may derive from, and what the pipeline provides.

    ``provides`` maps the name of such an argument to the source of its value, for the error if params.yaml
    sets it. ``folder`` is the folder in which DVC tracks the user's own classes.
    """

    calls_parts = False  # see bind

    def __init__(
        self, base: str | tuple[str, ...], provides: Mapping[str, str] | None = None, folder: str = ""
    ) -> None:
        self.bases = (base,) if isinstance(base, str) else base
        self.provides = dict(provides or {})
        self.folder = folder or "/".join(self.bases[0].split(".")[:2])

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_wrap_validator_function(self.check, handler(source))

    def check(self, value: Any, handler: Callable[[Any], Any], info: ValidationInfo | None = None) -> Any:
        """Return the part, or raise all problems together: arguments are checked even if a key is wrong."""
        if info and info.context == SHAPE_ALONE:
            return handler(value)
        found: list[ValidationError] = []
        part = None
        try:
            part = handler(value)
        except ValidationError as error:
            found.append(error)
        if legible := part or _legible(value):
            try:
                self.check_class(legible)
            except ValidationError as error:
                found.append(error)
        if found:
            raise joined(found)
        return part

    def check_class(self, part: Part) -> None:
        cls = _class_of(part)
        bases = tuple(import_class(base) for base in self.bases)
        message = ""
        if not (isinstance(cls, type) and issubclass(cls, bases)):
            message = self.refuse(part, cls)
        elif cls in bases or inspect.isabstract(cls):
            message = f"{part.class_path} is a base class; use a subclass"
        elif _is_unseen(part.class_path, cls, self.folder):
            message = f"{part.class_path} is where DVC does not see edits; move it to {self.folder}/"
        if message:
            raise refusal([problem(("class_path",), message, part.class_path)])
        bind(cls, part.init_args, self.provides, calls_parts=self.calls_parts)

    def refuse(self, part: Part, cls: Any) -> str:
        """Return the message for a class of another family."""
        return f"{part.class_path} is not a subclass of {' or '.join(self.bases)}"


def import_class(class_path: str) -> Any:
    """Import the object at a dotted path; ImportError or AttributeError if there is none."""
    module, _, name = class_path.rpartition(".")
    if not module or module.startswith("."):
        raise ImportError(f"{class_path!r} is not a dotted path such as package.module.Class")
    return getattr(importlib.import_module(module), name)


def parameters_of(cls: Any) -> dict[str, inspect.Parameter]:
    """Return constructor parameters by name, without self; ``**kwargs`` is included under its name."""
    return dict(inspect.signature(cls).parameters)


def bind(
    cls: Any,
    init_args: Mapping[str, Any],
    provides: Mapping[str, str],
    key: str | None = "init_args",
    *,
    calls_parts: bool = False,
) -> dict[str, Any]:
    """Check arguments against the constructor's signature and return them as their annotated types. With
    ``calls_parts``, a part may be given for a function, and is returned unchanged.

    Raises pydantic's ValidationError, with every wrong argument at its path below ``key``.
    A class may reject combinations in a static method ``check_arguments(**init_args)`` (ValueError).
    """
    above = (key,) if key else ()
    written = {name: value for name, value in init_args.items() if name not in provides}
    owned = [
        problem((*above, name), f"must not be set here: it is {provides[name]}", value)
        for name, value in init_args.items()
        if name in provides
    ]
    found = [refusal(owned)] if owned else []
    parts = [name for name, v in written.items() if calls_parts and isinstance(v, dict) and "class_path" in v]
    model = _arguments_model(cls, provides, parts)
    document = json.dumps({key: written} if key else written, default=str)
    whole = create_model(cls.__name__, **{key: (model, ...)}) if key else model  # type: ignore[call-overload]
    try:
        checked = whole.model_validate_json(document)
    except ValidationError as error:
        raise joined([*found, error]) from error
    if found:
        raise joined(found)
    arguments = getattr(checked, key) if key else checked
    values = {name: getattr(arguments, name) for name in init_args}
    if hasattr(cls, "check_arguments"):
        try:
            cls.check_arguments(**values)
        except ValueError as error:
            raise refusal([problem(above, str(error))]) from error
    return values


def _arguments_model(cls: Any, provides: Mapping[str, str], parts: Iterable[str]) -> type[BaseModel]:
    parameters = parameters_of(cls)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    hints = _hints_of(cls)
    hints |= {name: Any for name in parts if _is_called(hints.get(name))}
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
    except (NameError, TypeError, AttributeError, SyntaxError):  # foreign annotations may not resolve
        return {}


def _is_called(hint: Any) -> bool:
    """Whether the argument is a function, for which params.yaml may name a callable part."""
    return Callable in (hint, get_origin(hint)) or any(map(_is_called, get_args(hint)))


def _class_of(part: Part) -> Any:
    try:
        return import_class(part.class_path)
    except (Exception, SystemExit) as error:  # an import may raise anything
        kind = "" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: "
        reason = advice(error) if isinstance(error, ImportError) else error
        near = _near_classes(part.class_path)
        hint = f"; did you mean {near[0]}?" if near else ""
        message = f"cannot import: {kind}{reason}{hint}"
        raise refusal([problem(("class_path",), message, part.class_path)]) from error


def _near_classes(class_path: str) -> list[str]:
    module, _, name = class_path.rpartition(".")
    names = dir(sys.modules[module]) if module in sys.modules else []
    return [f"{module}.{near}" for near in get_close_matches(name, names, n=1)]


def _is_unseen(class_path: str, cls: type, folder: str) -> bool:
    """Whether a class of the user is outside the folder that DVC tracks."""
    roots = {Path.cwd().resolve(), PROJECT.resolve()}
    modules = {class_path.rpartition(".")[0], cls.__module__}
    files = [Path(file).resolve() for m in modules if (file := getattr(sys.modules.get(m), "__file__", None))]
    return any(
        any(file.is_relative_to(root) for root in roots)
        and not any(file.is_relative_to(root / folder) for root in roots)
        and not {"site-packages", "dist-packages"} & set(file.parts)
        for file in files
    )


def _legible(value: Any) -> Part | None:
    """Return the part without its unknown keys; None if it is still not valid."""
    known = {key: value[key] for key in Part.model_fields if key in value} if isinstance(value, dict) else {}
    try:
        return Part(**known)
    except ValidationError:
        return None
