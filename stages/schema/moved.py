"""Old names in params.yaml, checkpoints and shards of earlier versions, and their new names.

An old name works for one version. It is replaced wherever a part is read, so that both spellings give equal
parts, keys and digests.
"""

from collections.abc import Callable
from typing import Any

from stages.schema.problems import Place, dotted, problem, refusal

CLASSES: dict[str, str] = {}  # class paths: old to new
ARGUMENTS = {  # constructor arguments by new class path: old to new
    "stages.search.prefix_beam.PrefixBeam": {"num_tokens": "cutoff_top_n", "token_share": "cutoff_prob"},
}

Tell = Callable[[str], object]


def with_new_names(value: Any, tell: Tell = str, place: Place = ()) -> Any:
    """Copy a document with the new names in all of its parts; ``tell`` gets a line for each old name.

    An old name stays if the new one is set too: see refuse_both_names.
    """
    if isinstance(value, list):
        return [with_new_names(item, tell, (*place, index)) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("class_path"), str):
        return _part(value, tell, place)
    return {key: with_new_names(item, tell, (*place, key)) for key, item in value.items()}


def refuse_both_names(part: Any) -> None:
    """Raise ValidationError, with the place in the part, if an argument is set by its old and new name."""
    init_args = part.get("init_args") if isinstance(part, dict) else None
    if not isinstance(init_args, dict):
        return
    pairs = ARGUMENTS.get(str(part.get("class_path")), {}).items()
    if found := [
        problem(("init_args", old), f"is the old name of {new}, which is set too: remove one of them")
        for old, new in pairs
        if {old, new} <= init_args.keys()
    ]:
        raise refusal(found)


def _part(part: dict[str, Any], tell: Tell, place: Place) -> dict[str, Any]:
    found = dict(part)
    if (old := part["class_path"]) in CLASSES:
        found["class_path"] = _told(old, CLASSES[old], tell, (*place, "class_path"))
    if isinstance(part.get("init_args"), dict):
        names = ARGUMENTS.get(found["class_path"], {})
        found["init_args"] = _arguments(part["init_args"], names, tell, (*place, "init_args"))
    return found


def _arguments(init_args: dict[str, Any], names: dict[str, str], tell: Tell, place: Place) -> dict[str, Any]:
    found = {}
    for name, value in init_args.items():
        new = names.get(name)
        if new and new not in init_args:
            name = _told(name, new, tell, (*place, name))
        is_plain = isinstance(value, dict) and "class_path" not in value  # such as n-grams: has no parts
        found[name] = value if is_plain else with_new_names(value, tell, (*place, name))
    return found


def _told(old: str, new: str, tell: Tell, place: Place) -> str:
    where = dotted(place) if place[-1] == old else f"{dotted(place)}: {old}"
    tell(f"{where} is now {new}: change it in params.yaml; the old name works in this version only")
    return new
