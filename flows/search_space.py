"""The search file: which values of params.yaml to vary, their ranges, and the settings of the search."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flows.params_file import read_yaml
from stages.schema.part import Family, Part

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Leaf = bool | int | float | str | None
PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[\d+\])*")
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
MONITOR = "train.checkpoint.monitor"  # the schema accepts only metrics that are logged


class Grammar(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Range(Grammar):
    """From ``low`` to ``high``, inclusive."""

    low: float
    high: float

    @model_validator(mode="after")
    def ordered(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be less than high ({self.high})")
        return self

    def ends(self) -> tuple[Leaf, Leaf]:
        return self.low, self.high


class Uniform(Range):
    distribution: Literal["uniform"]

    def for_optuna(self) -> "BaseDistribution":
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high)


class LogUniform(Range):
    distribution: Literal["loguniform"]
    low: float = Field(gt=0)

    def for_optuna(self) -> "BaseDistribution":
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=True)


class Integer(Range):
    distribution: Literal["int"]
    low: int
    high: int

    def for_optuna(self) -> "BaseDistribution":
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high)


class Categorical(Grammar):
    distribution: Literal["categorical"]
    choices: list[Leaf] = Field(min_length=1)

    def for_optuna(self) -> "BaseDistribution":
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.choices)

    def ends(self) -> tuple[Leaf, Leaf]:
        return self.choices[0], self.choices[-1]


Space = Annotated[Uniform | LogUniform | Integer | Categorical, Field(discriminator="distribution")]
Sampler = Annotated[Part, Family("optuna.samplers.BaseSampler", {"seed": "the search's own seed"})]


class Search(Grammar):
    """``metric`` is a column of artifacts/train/history.csv; the best epoch counts.

    ``storage`` is an Optuna storage URL; null is a file for this study in .scratch/tune.
    """

    study: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    direction: Literal["minimize", "maximize"] = "minimize"
    metric: str = "val_wer"
    n_trials: int = Field(20, ge=1)
    parallel_trials: int = Field(1, ge=1)
    sampler: Sampler = Part(class_path="optuna.samplers.TPESampler")
    seed: int = Field(0, ge=0)
    storage: str | None = None
    search_spaces: dict[str, Space] = Field(min_length=1)


def read_search(path: Path, params: Path | None) -> Search:
    """Read a search file and check it, against the params that it varies if given; ValueError with all
    problems.
    """
    document = read_yaml(path)
    spaces = document.get("search_spaces") if isinstance(document, dict) else None
    problems = misplaced(spaces, read_yaml(params)) if params and isinstance(spaces, dict) else []
    try:
        search = Search.model_validate(document)
    except ValidationError as error:
        problems = [*_explain(error), *problems]
    refuse(problems, str(path))
    return search


def refuse(problems: list[str], what: str) -> None:
    """ValueError with all problems, one per line, if there are any."""
    if problems:
        raise ValueError(f"{what} cannot be used, {len(problems)} problem(s):\n  " + "\n  ".join(problems))


def misplaced(paths: Iterable[Any], params: Any) -> list[str]:
    """A problem for each path that is not a single value in the params."""
    found = ((path, _misplaced(str(path), params)) for path in paths)
    return [f"search_spaces.{path}: {problem}" for path, problem in found if problem]


def _misplaced(path: str, params: Any) -> str:
    if not PATH.fullmatch(path):
        return "not a valid path, such as train.augment[0].init_args.num_time_masks"
    node = params
    for step in _steps(path):
        known = _children(node)
        if step not in known:
            there = ", ".join(map(str, known)) or "a single value"
            return f"not in params.yaml: {step!r} is not among {there}"
        node = known[step]
    if inside := _children(node):
        return f"not a single value; choose a value inside it: {', '.join(map(str, inside))}"
    return "not a single value" if isinstance(node, dict | list) else ""


def impossible(search: Search, params: Any, folder: Path) -> list[str]:
    """The problems of the params with all searched values at their low end (categorical: the first choice),
    and with all at their high end, as the project in ``folder`` reports them; and of the metric.
    """
    with TemporaryDirectory() as scratch:
        checks = {}
        for end, name in enumerate(("low", "high")):
            path = Path(scratch) / f"{name}.yaml"
            path.write_text(json.dumps(at_end(search, params, end)), encoding="utf-8")
            checks[path] = subprocess.Popen(
                [sys.executable, "-m", "stages.commands.check", str(path)],
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        errors = {path: check.communicate()[1] for path, check in checks.items()}
    return list(
        dict.fromkeys(
            _problem(line.strip(), path.stem)
            for path, check in checks.items()
            if check.returncode
            for line in errors[path].strip().splitlines()
            if not line.startswith(str(path))
        )
    )


def _problem(line: str, end: str) -> str:
    if line.startswith(f"{MONITOR}: "):
        return f"metric{line.removeprefix(MONITOR)}"
    return f"params.yaml with all searched values at their {end} end: {line}"


def at_end(search: Search, params: Any, end: int) -> Any:
    """The params with all searched values at their low (0) or high (1) end, and the metric as monitor."""
    changed = deepcopy(params)
    changed["train"]["checkpoint"]["monitor"] = search.metric
    for path, space in search.search_spaces.items():
        *above, last = _steps(path)
        node = changed
        for step in above:
            node = node[step]
        node[last] = space.ends()[end]
    return changed


def override(path: str, value: Leaf) -> str:
    """An override for dvc's -S: train.augment.0.init_args.num_time_masks=3."""
    quoted = "'" + value.replace("'", r"\'") + "'" if isinstance(value, str) else json.dumps(value)
    return f"{'.'.join(map(str, _steps(path)))}={quoted}"


def _steps(path: str) -> list[str | int]:
    return [name or int(index) for name, index in STEP.findall(path)]


def _children(node: Any) -> dict[Any, Any]:
    return node if isinstance(node, dict) else dict(enumerate(node)) if isinstance(node, list) else {}


def _explain(error: ValidationError) -> list[str]:
    """A line for each problem, without the distribution's name that pydantic adds to the path."""
    lines = []
    for detail in error.errors(include_url=False):
        place = [str(step) for step in detail["loc"]]
        if place[:1] == ["search_spaces"] and len(place) > 2:
            del place[2]
        if place[-2:-1] == ["choices"]:
            continue
        found = "" if isinstance(detail["input"], dict | list) else f", found {detail['input']!r}"
        lines.append(f"{'.'.join(place) or 'the file'}: {detail['msg'].removeprefix('Value error, ')}{found}")
    return lines
