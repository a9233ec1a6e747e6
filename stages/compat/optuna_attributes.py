"""Optuna sets a user attribute of a trial only where it has just handed that trial out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study

SEEN_WITH = {"optuna": ("5.0",)}


def set_user_attribute(study: "Study", number: int, key: str, value: Any) -> None:
    """Set it for the trial of that number, whenever it was handed out."""
    trial = study.get_trials(deepcopy=False)[number]
    study._storage.set_trial_user_attr(trial._trial_id, key, value)
