"""Read the keys and values of params.yaml. stages.preflight checks them against the classes."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.schema.moved import Tell, with_new_names
from stages.schema.params import Params
from stages.schema.part import SHAPE_ALONE


def read_document(path: Path, tell: Tell = str) -> dict[str, Any]:
    """Read the file with JSON types: keys and dates are strings. ValueError if the content does not fit.

    Old names of classes and arguments are replaced by new ones; ``tell`` gets a line for each.

    ruamel reads YAML 1.2, as DVC does: PyYAML would read the ``1e-05`` that DVC writes as a string.
    """
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        document = json.loads(json.dumps(document, default=str))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file; copy one from flows/recipes/") from error
    except (YAMLError, ValueError, OSError) as error:
        raise ValueError(f"{path}: not readable as YAML: {error}") from error
    except (TypeError, RecursionError) as error:  # for example, keys that are lists
        raise ValueError(f"{path}: only lists, and mappings with plain keys, can be used: {error}") from error
    if document is None:
        raise ValueError(f"{path}: empty; copy a file from flows/recipes/")
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected keys and values at the top, found {type(document).__name__}")
    found: dict[str, Any] = with_new_names(document, tell)
    return found


def params_of(document: dict[str, Any]) -> Params:
    """Validate a document as Params without importing classes. Raises pydantic's ValidationError."""
    return Params.model_validate_json(json.dumps(document), context=SHAPE_ALONE)
