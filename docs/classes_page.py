"""A page for each family of parts: the docstrings of the classes that params.yaml can name."""

import ast
from pathlib import Path

STAGES = Path(__file__).parents[1] / "stages"
FAMILIES = {  # folder of stages/: title
    "corpora": "Corpora",
    "frontends": "Frontends",
    "tokens": "Tokens",
    "augment": "Augmentation",
    "tasks": "Tasks",
    "models": "Models",
    "losses": "Losses",
    "search": "Searches",
    "schedules": "Schedules",
    "callbacks": "Callbacks",
    "metrics": "Metrics",
    "formats": "Formats",
}
ROOTS = {"ABC", "Callback", "LambdaLR"}
MORE = {"formats": ["stages.formats.runtime.Runtime"]}  # not named in params.yaml


def page_of_classes(family: str) -> str:
    """A list of the classes by their dotted paths, and what each of them says of itself."""
    found = [*_named(family), *MORE.get(family, [])]
    lines = [f"# {FAMILIES[family]}: classes", "", f"The classes of `stages/{family}/`.", ""]
    lines += ["| class | class_path |", "|---|---|"]
    lines += [f"| [{name.rpartition('.')[2]}](#{name}) | `{name}` |" for name in found]
    for name in found:
        lines += ["", f"::: {name}"]
    return "\n".join(lines) + "\n"


def _named(family: str) -> list[str]:
    """Return the base classes of the family, each in the file of its name, and their subclasses."""
    named, above = {}, {}
    for path in sorted((STAGES / family).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                named[node.name] = f"stages.{family}.{path.stem}.{node.name}"
                above[node.name] = set(map(ast.unparse, node.bases))
    bases = set().union(*above.values()) if above else set()
    found = [
        name for name in named if _is_in_own_file(named[name]) and (name in bases or above[name] & ROOTS)
    ]
    found += [name for name in named if name not in found and above[name] & {*found}]
    return [named[name] for name in found]


def _is_in_own_file(class_path: str) -> bool:
    *_, module, name = class_path.split(".")
    return name.lower() == module.replace("_", "")
