"""Checks of stages.preflight.agreement: whether corpora, frontend, encoder, tokens, task, metrics and search
fit together.
"""

from collections.abc import Iterator
from typing import Any

from stages.models.encoder import Encoder
from stages.schema.nested import nested
from stages.schema.part import Part, parameters_of
from stages.schema.problems import Place, Problems, problem

PRIOR = ("bass_is_root", "types")  # of synthesised chords; the ceilings of a metric depend on it


def content(params: Any) -> Problems:
    """Tokens, task and metrics have the same ``content``."""
    tokens = params.train.tokens.load()
    task: tuple[Place, Part] = (("train", "task"), params.train.task)
    for place, part in (task, *_trained(params)):
        yield from _of(tokens.content, place, part)
    for place, part in _evaluated(params):
        yield from _of(tokens.content, place, part)


def keys(params: Any) -> Problems:
    """No two metrics log or write the same key."""
    for metrics in (_trained, _evaluated):
        givers: dict[str, str] = {}
        for place, part in metrics(params):
            if twice := [name for name in part.load().logged if name in givers]:
                giver = givers[twice[0]]
                yield problem(place, f"{part.class_path} gives {twice[0]}, as {giver} does: keep one of them")
            givers |= dict.fromkeys(part.load().logged, part.class_path)


def search(params: Any) -> Problems:
    """evaluate.search fits the task whose search it replaces."""
    part, task = params.evaluate.search, params.train.task.load()
    if part and task.search_family is None:
        yield problem(("evaluate", "search"), f"{task.__name__} has no search: set it to null")
    elif part and not issubclass(part.load(), task.search_family):
        message = f"{part.class_path} is not a {task.search_family.__name__}, which {task.__name__} needs"
        yield problem(("evaluate", "search"), message)


def positions(params: Any) -> Problems:
    """Text recognition needs frames, which not every encoder outputs."""
    for place, part in _encoders(params):
        if (count := part.load().num_positions) and params.train.task.load().content == "text":
            message = f"{part.class_path} gives {count} positions, but a text needs frames"
            yield problem(place, f"{message}: use another encoder")


def octaves(params: Any) -> Problems:
    """The features have as many bins per octave as the encoder needs."""
    section = "train" if params.train.frontend else "features"
    found = _argument(getattr(params, section).frontend, "bins_per_octave")
    for _, part in _encoders(params):
        wanted = part.load().bins_per_octave
        if wanted and found and wanted != found:
            message = f"bins_per_octave must be {wanted} for {part.class_path}, not {found}"
            yield problem((section, "frontend"), message)


def chord_types(params: Any) -> Problems:
    """The tokens have all chord types of the corpora."""
    tokens = params.train.tokens
    known = (_argument(tokens, "types") or ()) if tokens.load().content == "chords" else ()
    for index, corpus in enumerate(params.manifest.corpora if known else ()):
        if lacking := [name for name in _argument(corpus, "types") or () if name not in known]:
            message = f"chord types of manifest.corpora[{index}] are not among its types:"
            yield problem(("train", "tokens"), f"{message} {', '.join(lacking)}")


def chord_prior(params: Any) -> Problems:
    """The ceilings of metrics are computed from the prior of the corpus."""
    for metrics in (_trained, _evaluated):
        for place, metric in metrics(params):
            if _argument(metric, "bass_is_root") is None:
                continue
            for index, corpus in enumerate(params.manifest.corpora):
                for name in PRIOR:
                    theirs, own = _argument(corpus, name), _argument(metric, name)
                    if theirs is not None and _unordered(theirs) != _unordered(own):
                        message = f"its ceilings depend on {' and '.join(PRIOR)}, but"
                        yield problem(place, f"{message} manifest.corpora[{index}] has {name}: {theirs}")


def _of(wanted: str, place: Place, part: Part) -> Problems:
    found = part.load().content
    if found != wanted:
        yield problem(place, f"{part.class_path} is for {found}, but train.tokens are for {wanted}")


def _trained(params: Any) -> Iterator[tuple[Place, Part]]:
    """Yield the metrics of validations that params.yaml sets."""
    for index, metric in enumerate(params.train.task.init_args.get("metrics", ())):
        yield ("train", "task", "init_args", "metrics", index), Part.model_validate(metric)


def _evaluated(params: Any) -> Iterator[tuple[Place, Part]]:
    for index, metric in enumerate(params.evaluate.metrics):
        yield ("evaluate", "metrics", index), metric


def _encoders(params: Any) -> Iterator[tuple[Place, Part]]:
    for place, part in nested(params.train.task):
        if issubclass(part.load(), Encoder):
            yield ("train", "task", *place), part


def _argument(part: Part, name: str) -> Any:
    """Return the value of a part's argument; None if it does not have that argument."""
    parameter = parameters_of(part.load()).get(name)
    return part.init_args.get(name, parameter.default) if parameter else None


def _unordered(value: Any) -> Any:
    return set(value) if isinstance(value, list) else value
