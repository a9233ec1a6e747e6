"""The optimizer and schedule of a Lightning checkpoint, for a training that starts from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from torch import Tensor
from torch.optim import Optimizer

from stages.compat.torch_lr_scheduler import step_alone
from stages.schema.part import parameters_of

RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # the learning rates in an optimizer's group
CYCLED = ("betas", "momentum")  # also set by schedules that cycle momentum
POSITION = ("last_epoch", "_step_count", "_last_lr", "cooldown_counter", "num_bad_epochs", "T_cur", "T_i")


class SavedGroup(BaseModel):
    """A parameter group of a file's optimizer; other keys depend on its class."""

    model_config = ConfigDict(strict=True)
    params: list[int]


class SavedOptimizer(BaseModel):
    model_config = ConfigDict(strict=True)
    param_groups: list[SavedGroup]
    state: dict[int, dict[str, Any]]


class SavedSchedule(BaseModel):
    model_config = ConfigDict(strict=True)
    last_epoch: int


LAYOUTS: dict[str, TypeAdapter[Any]] = {
    "optimizer_states": TypeAdapter(list[SavedOptimizer]),
    "lr_schedulers": TypeAdapter(list[SavedSchedule]),
}


def refuse_other_layout(content: Mapping[str, Any], keys: Iterable[str], path: Path) -> None:
    """ValueError with the first key whose content is not as Lightning writes it."""
    for key in sorted(keys):
        try:
            LAYOUTS[key].validate_python(content[key], strict=True)
        except ValidationError as error:
            found = error.errors()[0]
            place = ".".join(map(str, (key, *found["loc"])))
            raise ValueError(
                f"{path}: {place}: {found['msg']}; this is not as Lightning writes it: leave out"
                " restore_optimizer and restore_schedule"
            ) from error


@dataclass(frozen=True)
class OptimizerState:
    """``moments``: the optimizer's moments and step counts; ``schedule``: the schedule's position.

    Their settings, such as lr, are those of params.yaml. Either is None if not requested. From another
    training (init_from) the schedule's rates are used, but not the best value that a plateau schedule has
    seen, as that was on other data.

    If the same training resumes (resume_from), ``rates`` are the learning rates that params.yaml gave its
    groups then, so that changes since take effect; a schedule that follows no metric starts after
    ``num_steps`` steps of its own, whichever schedule there was before.
    """

    path: str
    groups: list[dict[str, Any]]  # of the file's optimizer
    moments: dict[int, dict[str, Any]] | None
    schedule: dict[str, Any] | None
    rates: list[float] | None = None
    num_steps: int = 0

    def restore(
        self, optimizer: Optimizer, scheduler: Any, rates: Sequence[float], total_steps: float
    ) -> None:
        """Load the state into a fresh schedule and a fresh optimizer, whose groups have ``rates``; ValueError
        if it does not fit.
        """
        ours = [len(group["params"]) for group in optimizer.param_groups]
        theirs = [len(group["params"]) for group in self.groups]
        if ours != theirs:
            raise ValueError(
                f"{self.path}: its optimizer has groups of {theirs} parameters, but train.groups gives"
                f" {ours}; make them the same, or start from weights alone"
            )
        if self.moments is not None:
            self._check(optimizer, self.moments)
            optimizer.load_state_dict({**optimizer.state_dict(), "state": self.moments})
        if self.schedule is not None:
            self._refuse_past_the_end(self.schedule["last_epoch"], scheduler, total_steps)
            self._restore_schedule(optimizer, scheduler, self.schedule, rates)
        elif scheduler is not None and self.num_steps and "metrics" not in parameters_of(scheduler.step):
            self._refuse_past_the_end(self.num_steps, scheduler, total_steps)
            step_alone(scheduler, optimizer, self.num_steps)

    def _check(self, optimizer: Optimizer, moments: dict[int, dict[str, Any]]) -> None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        for index, entry in sorted(moments.items()):
            known = index in range(len(parameters))
            expected = _shapes(_first_state(optimizer, parameters[index])) if known else {}
            if not known or _shapes(entry) != expected:
                raise ValueError(
                    f"{self.path}: the optimizer state of its parameter {index} is {_shapes(entry)}, but"
                    f" {type(optimizer).__name__} needs {expected} there; set the optimizer and groups"
                    " that it was trained with, or start from weights alone"
                )

    def _refuse_past_the_end(self, step: int, scheduler: Any, total_steps: float) -> None:
        if "total_steps" in parameters_of(type(scheduler)) and step >= total_steps:
            raise ValueError(
                f"{self.path}: its schedule is at step {step}, but this training has {total_steps:.0f};"
                " train longer, or start from weights alone"
            )

    def _restore_schedule(
        self, optimizer: Optimizer, scheduler: Any, state: dict[str, Any], rates: Sequence[float]
    ) -> None:
        names = (*POSITION, "base_lrs" if self.rates is None else "best")
        position = {name: state[name] for name in names if name in state}
        scheduler.load_state_dict({**scheduler.state_dict(), **position})
        for index, (group, saved) in enumerate(zip(optimizer.param_groups, self.groups, strict=True)):
            if self.rates is not None:
                group["lr"] = saved["lr"] * (rates[index] / self.rates[index])
                continue
            group.update({name: saved[name] for name in RATES if name in saved})
            if "max_momentum" in saved and "max_momentum" in group:
                group.update({name: saved[name] for name in CYCLED if name in saved})


def _first_state(optimizer: Optimizer, parameter: Tensor) -> dict[str, Any]:
    """The state that an optimizer of this class and settings keeps for a parameter after a step."""
    weight = torch.nn.Parameter(torch.zeros_like(parameter))
    weight.grad = torch.zeros_like(parameter)
    settings = {
        name: value for name, value in optimizer.param_groups[0].items() if name in optimizer.defaults
    }
    kind: Any = type(optimizer)
    trial = kind([{"params": [weight], **settings}])
    trial.step(lambda: 0.0)
    return dict(trial.state[weight])


def _shapes(entry: dict[str, Any]) -> dict[str, list[int]]:
    return {name: list(getattr(value, "shape", ())) for name, value in sorted(entry.items())}
