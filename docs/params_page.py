"""docs/reference/params.md: every key of params.yaml, from the schema that checks it."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from docs.refusals import between_sections, class_node, of_class, of_function
from stages.schema.families import Corpus, Schedule
from stages.schema.params import Params
from stages.schema.part import Family, Part

PAGE = Path(__file__).parent / "reference" / "params.md"
BEGINNING = """# params.yaml

`make docs` generates this page from `stages/schema` and `stages/preflight`: edit the schema, not this page.

`params.yaml` is read as YAML 1.2, so `1e-4` is a number. The whole file is checked before anything runs
(`earshot check`). An unknown key, a wrong type or an impossible value is refused with its path. Numbers are
never NaN or infinite.
"""
PARTS = """## Parts

A part is a class with its arguments. The tables name the class it must derive from. The signature of the
class is the schema of its `init_args`: names, types and bounds are checked before anything runs. An abstract
class is refused. So is a class of this project outside the folder of its family in `stages/`, where DVC does
not see edits.
"""
BETWEEN = """## Values that do not fit together

These checks look at several keys. `...` stands for a name or a value, `*` for any key.
"""
PLAIN = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`", NoneType: "`null`"}
UNITS = {
    r"characters_per_second$": "characters/s",
    r"_seconds$": "s",
    r"sample_rate$": "Hz",
    r"_epochs?$": "epochs",
    r"^patience$": "validations",
}
BOUNDS = {Gt: "above {0.gt}", Ge: "{0.ge} or more", Lt: "below {0.lt}", Le: "at most {0.le}"}


def page_of_params() -> str:
    lines = [BEGINNING]
    for model, path in sections(Params, ""):
        lines += [f"## {path or 'Top level'}" if path.count(".") < 1 else f"### {path}", ""]
        if model is not Params and (text := vars(model).get("__doc__")):
            lines += [inspect.cleandoc(text).replace("``", "`"), ""]
        lines += [*table(model, path), "", *_list("**Refused**", refused(model))]
    lines += [PARTS, *table(Part, ""), "", BETWEEN]
    lines += [f"- `{place}`: {text}" for place, text in between_sections()]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def sections(model: type[BaseModel], path: str) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield a section and its inner ones, in the order of params.yaml, with their paths."""
    yield model, path
    for name, field in model.model_fields.items():
        for inner in _within(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not Part:
                many = "[]" if get_origin(field.annotation) is list else ""
                yield from sections(inner, f"{path}.{name}{many}".removeprefix("."))


def table(model: type[BaseModel], path: str) -> list[str]:
    fields = model.model_fields
    own = (
        fields if model is Part else {name: fields[name] for name in fields if name not in Part.model_fields}
    )
    rows = ["| key | type | default | unit | meaning |", "|---|---|---|---|---|"]
    if issubclass(model, Part) and model is not Part:
        rows.append("| `class_path`, `init_args` | [part](#parts) | | | the class and its arguments |")
    comments = described(model)
    for name, field in own.items():
        kind = type_of(field.rebuild_annotation()).replace("|", r"\|")
        default = "required" if field.is_required() else f"`{json.dumps(field.get_default())}`"
        unit = unit_of(name) or unit_of(path)
        rows.append(f"| `{name}` | {kind} | {default} | {unit} | {comments[name]} |")
    return rows


def described(model: type[BaseModel]) -> dict[str, str]:
    """Return the ``#:`` comment of each key, at the end of its line or in the line above."""
    found: dict[str, str] = {}
    for base in (cls for cls in reversed(model.__mro__) if cls in (Part, Corpus, Schedule) or cls is model):
        lines = Path(inspect.getfile(base)).read_text(encoding="utf-8").splitlines()
        for node in class_node(base).body:
            if name := getattr(getattr(node, "target", None), "id", ""):
                _, mark, behind = lines[(node.end_lineno or 0) - 1].partition("#: ")
                above = lines[node.lineno - 2].strip()
                found[name] = behind if mark else above.removeprefix("#: ") if above[:3] == "#: " else ""
    return found


def refused(model: type[BaseModel]) -> list[str]:
    found = of_class(model)
    for name, field in model.model_fields.items():
        for meta in _metadata(field.rebuild_annotation()):
            if isinstance(meta, AfterValidator):
                found += [f"`{name}`: {text}" for text in of_function(meta.func)]
            if isinstance(meta, Family):
                found += [f"`{name}.init_args.{key}`: it is {from_}" for key, from_ in meta.provides.items()]
    return found


def unit_of(name: str) -> str:
    return next((unit for pattern, unit in UNITS.items() if re.search(pattern, name)), "")


def type_of(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(inner[0], list(_flat(inner[1:])))
    if origin in (Union, UnionType):
        return " or ".join(type_of(kind) for kind in inner)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is list:
        return f"list of: {type_of(inner[0])}"
    if origin is dict:
        return f"keys: {type_of(inner[0])}; values: {type_of(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys and values (below)"
    return PLAIN.get(annotation, "any")


def _annotated(kind: Any, metadata: list[Any]) -> str:
    families = [meta for meta in metadata if isinstance(meta, Family)]
    if families:
        names = " or ".join(f"`{base.rpartition('.')[2]}`" for base in families[0].bases)
        below = ", and keys (below)" if kind is not Part and not get_origin(kind) else ""
        optional = " or `null`" if NoneType in get_args(kind) else ""
        return f"[part](#parts): {names}{below}{optional}"
    texts = [BOUNDS[type(meta)].format(meta) for meta in metadata if type(meta) in BOUNDS]
    texts += ["not empty" for meta in metadata if isinstance(meta, MinLen)]
    texts += [f"like `{meta.pattern}`" for meta in metadata if getattr(meta, "pattern", None)]
    return ", ".join([type_of(kind), *texts])


def _flat(metadata: Any) -> Iterator[Any]:
    """Unpack the metadata that pydantic puts into a FieldInfo."""
    for meta in metadata:
        yield from meta.metadata if isinstance(meta, FieldInfo) else [meta]


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _flat(get_args(annotation)[1:])
    for inner in get_args(annotation):
        yield from _metadata(inner)


def _within(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _within(inner)


def _list(title: str, items: list[str]) -> list[str]:
    return [title, "", *(f"- {item}" for item in items), ""] if items else []
