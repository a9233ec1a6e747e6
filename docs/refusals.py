"""The messages of the code that refuses values of params.yaml, with ... for variable parts."""

import ast
import inspect
import itertools
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

PREFLIGHT = Path(__file__).parents[1] / "stages" / "preflight"
FILES = ("agreement.py", "domains.py", "packages.py", "recognition.py", "trainer.py")
VARIES = "..."
ANY_KEY = "*"


def of_class(model: type) -> list[str]:
    """Return the messages of its validators, for values that are valid alone but not together."""
    node = class_node(model)
    functions = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    return [text for function in functions for text in _raised(function)]


def of_function(function: Callable[..., Any]) -> list[str]:
    return _raised(ast.parse(inspect.getsource(function)).body[0])


def between_sections() -> list[tuple[str, str]]:
    """Return places and messages of the checks of several keys."""
    found = []
    for name in FILES:
        tree = ast.parse((PREFLIGHT / name).read_text(encoding="utf-8"))
        constants = _assigned(tree.body)
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            for call in _problems(function):
                values = constants | _assigned(ast.walk(function), before=call.lineno)
                below = "train.trainer." if name == "trainer.py" else ""
                texts = [text for text in _texts(call.args[1], values) if text.strip(f" {VARIES}")]
                found += [(below + _place(call.args[0], values), text) for text in texts]
    return list(dict.fromkeys(found))


@cache
def class_node(model: type) -> ast.ClassDef:
    """Return the definition of a class in its source."""
    tree = ast.parse(Path(inspect.getfile(model)).read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == model.__name__)


def _raised(node: ast.AST) -> list[str]:
    calls = [part.exc for part in ast.walk(node) if isinstance(part, ast.Raise)]
    return [text for call in calls if isinstance(call, ast.Call) for text in _texts(call.args[0], {})]


def _problems(function: ast.AST) -> list[ast.Call]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "problem"]


def _assigned(nodes: Any, before: int | None = None) -> dict[str, ast.expr]:
    """Return assigned values by name, above a line; the last assignment counts."""
    found: dict[str, tuple[int, ast.expr]] = {}
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        if before is not None and node.lineno >= before:
            continue
        for target in (target for target in targets if isinstance(target, ast.Name)):
            found[target.id] = max(
                found.get(target.id, (0, node.value)), (node.lineno, node.value), key=_line
            )
    return {name: value for name, (_, value) in found.items()}


def _line(pair: tuple[int, ast.expr]) -> int:
    return pair[0]


def _place(node: ast.expr, values: dict[str, ast.expr]) -> str:
    return ".".join(_steps(node, values)).replace(".[]", "[]")


def _steps(node: ast.expr, values: dict[str, ast.expr]) -> Iterator[str]:
    if isinstance(node, ast.Tuple):
        for part in node.elts:
            yield from _steps(part.value if isinstance(part, ast.Starred) else part, values)
    elif isinstance(node, ast.Name) and node.id in values:
        yield from _steps(values[node.id], values)
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    else:
        yield "[]" if isinstance(node, ast.Name) and node.id == "index" else ANY_KEY


def _texts(node: ast.expr, values: dict[str, ast.expr]) -> list[str]:
    """Return all possible texts of a message."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Name) and node.id in values:
        return _texts(values[node.id], {name: value for name, value in values.items() if name != node.id})
    if isinstance(node, ast.JoinedStr):
        parts = [_texts(part, values) for part in node.values]
        return ["".join(chosen) for chosen in itertools.product(*parts)]
    if isinstance(node, ast.FormattedValue):
        return _texts(node.value, values)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        chosen = values.get(node.value.id)
        if isinstance(chosen, ast.Dict):
            return [text for value in chosen.values for text in _texts(value, values)]
    return [VARIES]
