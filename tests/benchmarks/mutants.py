"""Small faults (mutants) for Python code, which a test suite should detect.

Code without behaviour is not changed: annotations, docstrings, imports, the texts of errors and of help.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EDGES: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITES: dict[type, type] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
CHANGED = (ast.Compare, ast.UnaryOp)  # conditions that can be inverted themselves
TOLD = {"help", "description", "prog", "metavar"}  # arguments that are texts for users
SIMPLE = (ast.Expr, ast.AugAssign, ast.Raise, ast.Assert, ast.Delete)  # statements that can be removed
Place = tuple[str | int, ...]  # fields and positions, from the module down


@dataclass(frozen=True)
class Mutant:
    """A fault: its place, the lines of the innermost statement or of its head, and the changed code."""

    what: str
    line: int
    lines: range
    source: str


def mutants(source: str) -> list[Mutant]:
    """All faults for a module, in the order of the code."""
    tree = ast.parse(source)
    found = list(_nodes(tree, (), None))
    return [
        _planted(tree, place, statement, other) for place, statement, node in found for other in _others(node)
    ]


def _planted(tree: ast.Module, place: Place, statement: ast.stmt, other: ast.AST) -> Mutant:
    old = _at(tree, place)
    _put(tree, place, other)
    source = ast.unparse(ast.fix_missing_locations(tree))
    _put(tree, place, old)
    body = getattr(statement, "body", None)
    end = body[0].lineno - 1 if isinstance(body, list) else statement.end_lineno
    if isinstance(statement, ast.FunctionDef):  # its defaults count for all its lines
        end = statement.end_lineno
    lines = range(statement.lineno, max(end or 0, statement.lineno) + 1)
    what = f"{_short(old)}  ->  {_short(other)}"
    return Mutant(what, getattr(old, "lineno", statement.lineno), lines, source)


def _put(tree: ast.Module, place: Place, node: Any) -> None:
    holder, step = _at(tree, place[:-1]), place[-1]
    if isinstance(holder, list):
        holder[int(step)] = node
    else:
        setattr(holder, str(step), node)


def _short(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0][:90]


def _at(node: Any, place: Place) -> Any:
    for step in place:
        node = node[step] if isinstance(node, list) else getattr(node, str(step))
    return node


def _nodes(
    node: ast.AST, place: Place, statement: ast.stmt | None
) -> Iterator[tuple[Place, ast.stmt, ast.AST]]:
    """Nodes that can be changed, with the innermost statement around each."""
    for field, value in ast.iter_fields(node):
        for number, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or _means_nothing(node, field, child):
                continue
            below = (*place, field, number) if isinstance(value, list) else (*place, field)
            own = child if isinstance(child, ast.stmt) else statement
            if own is not None:
                yield below, own, child
            yield from _nodes(child, below, own)


def _means_nothing(parent: ast.AST, field: str, child: ast.AST) -> bool:
    if field in ("annotation", "returns", "decorator_list", "bases", "format_spec", "msg"):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "__name__ == '__main__'"):
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True  # a docstring, or a body of ...
    return isinstance(parent, ast.Raise) or (isinstance(parent, ast.keyword) and parent.arg in TOLD)


def _others(node: ast.AST) -> list[ast.AST]:
    """The possible replacements of a node."""
    if isinstance(node, ast.Compare):
        return [
            ast.Compare(node.left, [table[type(node.ops[0])](), *node.ops[1:]], node.comparators)
            for table in (EDGES, OPPOSITES)
            if type(node.ops[0]) in table
        ]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return [ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)]
    if isinstance(node, ast.BoolOp):
        return [ast.BoolOp(OPERATORS[type(node.op)](), node.values)]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Constant):
        return [ast.Constant(other) for other in _constants(node.value)]
    if isinstance(node, ast.Name) and node.id in NAMES:
        return [ast.Name(NAMES[node.id], ast.Load())]
    return _statements(node)


def _constants(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1 if isinstance(value, int) else 0.9 * value or 0.1]
    return [f"X{value}"] if isinstance(value, str) else []


def _statements(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, CHANGED):
        other = copy.copy(node)
        other.test = ast.UnaryOp(ast.Not(), node.test)
        return [other]
    if isinstance(node, ast.comprehension) and node.ifs:
        return [ast.comprehension(node.target, node.iter, [], node.is_async)]
    if isinstance(node, ast.Return) and node.value is not None:
        return [ast.Return(ast.Constant(None))] if ast.unparse(node.value) != "None" else []
    if isinstance(node, ast.Continue | ast.Break):
        return [ast.Break() if isinstance(node, ast.Continue) else ast.Continue()]
    return [ast.Pass()] if isinstance(node, SIMPLE) else []
