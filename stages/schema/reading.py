"""params.yaml as a file: its keys and values. Whether its classes can take them: stages.preflight."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.schema.moved import Tell, with_new_names
from stages.schema.params import Params
from stages.schema.part import SHAPE_ALONE


def read_document(path: Path, tell: Tell = str) -> dict[str, Any]:
    """The file as JSON has it: strings for keys, and for dates. ValueError if it has no such content.

    New names of classes and arguments take the place of old ones; ``tell`` gets a line for each.

    ruamel reads YAML 1.2, as DVC does: PyYAML would take the ``1e-05`` that DVC writes for a string.
    """
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        document = json.loads(json.dumps(document, default=str))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file; copy one from flows/recipes/") from error
    except (YAMLError, ValueError, OSError) as error:
        raise ValueError(f"{path}: not readable as YAML: {error}") from error
    except (TypeError, RecursionError) as error:  # keys that are lists, say
        raise ValueError(f"{path}: only lists, and mappings with plain keys, can be used: {error}") from error
    if document is None:
        raise ValueError(f"{path}: empty; copy a file from flows/recipes/")
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected keys and values at the top, found {type(document).__name__}")
    found: dict[str, Any] = with_new_names(document, tell)
    return found


def params_of(document: dict[str, Any]) -> Params:
    """The params that a document holds; no class is imported. Raises pydantic's ValidationError."""
    return Params.model_validate_json(json.dumps(document), context=SHAPE_ALONE)
