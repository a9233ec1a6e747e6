"""A small search over params.yaml for tests."""

from typing import Any

from flows.search_space import Search

SPACES: dict[str, Any] = {
    "lr": {"distribution": "loguniform", "low": 1e-4, "high": 1e-2},
    "train.augment[0].init_args.num_time_masks": {"distribution": "int", "low": 0, "high": 5},
    "train.task.init_args.encoder.init_args.dropout": {"distribution": "uniform", "low": 0.0, "high": 0.3},
    "train.batching.max_batch_seconds": {"distribution": "categorical", "choices": [20.0, 40.0]},
}


def search(**changes: Any) -> Search:
    return Search.model_validate({"study": "toy", "n_trials": 7, "search_spaces": SPACES, **changes})
