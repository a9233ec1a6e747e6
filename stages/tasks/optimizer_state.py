"""What a Lightning checkpoint says of its optimizer and schedule, for a training that starts from it."""

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

RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # the learning rates that an optimizer's group holds
CYCLED = ("betas", "momentum")  # what a schedule that cycles momentum sets beside them
POSITION = ("last_epoch", "_step_count", "_last_lr", "cooldown_counter", "num_bad_epochs", "T_cur", "T_i")


class SavedGroup(BaseModel):
    """Of a file's optimizer, beside what belongs to its kind."""

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
    """ValueError, naming the first key that does not hold what Lightning writes there."""
    for key in sorted(keys):
        try:
            LAYOUTS[key].validate_python(content[key], strict=True)
        except ValidationError as error:
            found = error.errors()[0]
            place = ".".join(map(str, (key, *found["loc"])))
            raise ValueError(
                f"{path}: {place}: {found['msg']}; it is not as Lightning writes it: leave out"
                " restore_optimizer and restore_schedule"
            ) from error


@dataclass(frozen=True)
class OptimizerState:
    """Of the optimizer, moments and step counts; its settings, lr among them, are those of params.yaml.

    Of the schedule, where it stood; its settings are those of params.yaml. Either is None where it is
    not asked for. Of another training (init_from), its schedule's rates are taken over, and the best value
    that a plateau has seen is forgotten, since it was that of other data.

    Where the same training goes on (resume_from), ``rates`` are the learning rates that params.yaml gave to
    its groups, so that one that was changed since counts; and a schedule that follows no metric is
    one that has made ``num_steps`` steps of its own, whatever it was before.
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
        """Lay it into a fresh optimizer, whose groups have ``rates``, and a fresh schedule; ValueError if it
        does not fit them.
        """
        ours = [len(group["params"]) for group in optimizer.param_groups]
        theirs = [len(group["params"]) for group in self.groups]
        if ours != theirs:
            raise ValueError(
                f"{self.path}: its optimizer has groups of {theirs} parameters, but train.groups make"
                f" {ours}; make them alike, or start from weights alone"
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
                    f" {type(optimizer).__name__} needs {expected} there; name the optimizer and groups"
                    " that it was made with, or start from weights alone"
                )

    def _refuse_past_the_end(self, step: int, scheduler: Any, total_steps: float) -> None:
        if "total_steps" in parameters_of(type(scheduler)) and step >= total_steps:
            raise ValueError(
                f"{self.path}: its schedule stood at step {step}, and this training has {total_steps:.0f};"
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
    """What an optimizer of this kind and these settings keeps for a parameter after a step."""
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
