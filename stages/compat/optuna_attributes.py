"""Optuna sets user attributes only of the trial that it has just created."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study

SEEN_WITH = {"optuna": ("5.0",)}


def set_user_attribute(study: "Study", number: int, key: str, value: Any) -> None:
    """Set a user attribute of the trial with this number, whenever it was created."""
    trial = study.get_trials(deepcopy=False)[number]
    study._storage.set_trial_user_attr(trial._trial_id, key, value)
