"""The Optuna study of a search: it draws values and stores results.

The same search draws the same values, even when it is stopped and resumed: trials are drawn and reported in
batches of ``parallel_trials``, each with a sampler seeded by the search's seed and the number of earlier
trials. A killed search leaves trials that have values but no result; they run first when it is resumed, with
their own numbers.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.search_space import Leaf, Search
from stages.compat.optuna_attributes import set_user_attribute

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

# Samplers that derive all points from the seed, and keep their position in the storage.
LAYS_OUT = ("optuna.samplers.GridSampler", "optuna.samplers.QMCSampler")
DISCARDED = "discarded"


class TrialFailed(RuntimeError):
    """A trial has no result; the message is the reason."""


@dataclass(frozen=True)
class Measured:
    """The best value among the epochs of a training."""

    value: float
    epoch: int


@dataclass(frozen=True)
class Proposal:
    """A trial to run; ``name`` is that of its experiment."""

    name: str
    values: dict[str, Leaf]


RunBatch = Callable[[list[Proposal]], list[Measured | TrialFailed]]


def name_of(search: Search, number: int) -> str:
    return f"{search.study}-{number:03d}"


def open_study(search: Search, default: Path) -> "Study":
    """Load the study, or create it; ValueError if it was created by a different search."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    default.parent.mkdir(parents=True, exist_ok=True)
    try:
        storage = optuna.storages.get_storage(search.storage or f"sqlite:///{default.absolute()}")
    except Exception as error:  # each kind of database raises its own
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"storage: {reason}; null stores the study in {default}") from error
    wanted = _definition(search)
    if search.study in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=search.study, storage=storage, sampler=_sampler(search, 0))
        began = study.user_attrs.get("search", {})
        differ = sorted(key for key in wanted if began.get(key) != wanted[key])
        if not differ:
            return study
        if any(trial.state.is_finished() for trial in study.get_trials(deepcopy=False)):
            raise ValueError(
                f"study {search.study!r} began with other values of {', '.join(differ)}: its trials cannot "
                "be compared with new ones; choose another name for the study"
            )
        optuna.delete_study(study_name=search.study, storage=storage)
    study = optuna.create_study(
        study_name=search.study, storage=storage, direction=search.direction, sampler=_sampler(search, 0)
    )
    study.set_user_attr("search", wanted)
    return study


def run_trials(study: "Study", search: Search, run_batch: RunBatch) -> None:
    """Run the missing trials of ``n_trials`` in batches; a trial without a result counts."""
    while batch := _next_batch(study, search):
        outcomes = run_batch([Proposal(name_of(search, trial.number), trial.params) for trial in batch])
        for trial, outcome in zip(batch, outcomes, strict=True):
            _tell(study, trial.number, outcome)


def counted(study: "Study") -> "list[FrozenTrial]":
    """All trials except those without all of their values."""
    return [trial for trial in study.get_trials() if DISCARDED not in trial.user_attrs]


def waiting(study: "Study") -> "list[FrozenTrial]":
    """Trials that have their values but no result."""
    return [trial for trial in counted(study) if not trial.state.is_finished()]


def best_trial(study: "Study") -> "FrozenTrial | None":
    return study.best_trial if any(trial.value is not None for trial in study.get_trials()) else None


def _next_batch(study: "Study", search: Search) -> "list[FrozenTrial]":
    """The trials up to the next multiple of ``parallel_trials``: waiting ones first, then new ones."""
    _discard_half_drawn(study, search)
    begun, unfinished = len(counted(study)), waiting(study)
    settled = begun - len(unfinished)
    if settled >= search.n_trials or "exhausted" in study.user_attrs:
        return []
    end = min((settled // search.parallel_trials + 1) * search.parallel_trials, search.n_trials)
    batch = unfinished[: end - settled]
    spaces = {path: space.for_optuna() for path, space in sorted(search.search_spaces.items())}
    for ordinal in range(begun, end):
        study.sampler = _sampler(search, ordinal)
        number = study.ask(spaces).number
        batch.append(study.get_trials()[number])
    return batch


def _discard_half_drawn(study: "Study", search: Search) -> None:
    """Discard a trial without all of its values, which a search leaves if it is killed while drawing."""
    from optuna.trial import TrialState

    for trial in waiting(study):
        if set(trial.params) != set(search.search_spaces):
            set_user_attribute(study, trial.number, DISCARDED, True)
            study.tell(trial.number, state=TrialState.FAIL)


def _sampler(search: Search, ordinal: int) -> "BaseSampler":
    seed = search.seed
    if search.sampler.class_path not in LAYS_OUT:
        seed = random.Random(f"{search.seed} {ordinal}").getrandbits(32)
    sampler: BaseSampler = search.sampler.build(seed=seed)
    return sampler


def _tell(study: "Study", number: int, outcome: Measured | TrialFailed) -> None:
    from optuna.trial import TrialState

    if isinstance(outcome, Measured):
        set_user_attribute(study, number, "epoch", outcome.epoch)
        told = partial(study.tell, number, outcome.value)
    else:
        set_user_attribute(study, number, "reason", str(outcome))
        told = partial(study.tell, number, state=TrialState.FAIL)
    try:
        told()
    except RuntimeError:
        # A sampler with no values left calls study.stop(), which only works in study.optimize().
        if not study.get_trials()[number].state.is_finished():
            raise
        study.set_user_attr("exhausted", True)


def _definition(search: Search) -> Any:
    """The settings that must not change for trials to be comparable, as read back from JSON."""
    chosen = search.model_dump(exclude={"study", "n_trials", "parallel_trials", "storage"})
    return json.loads(json.dumps(chosen))
