"""train.groups: which parameters of a model are trained, from which epoch on, and at what fraction of lr."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from torch import nn

from stages.schema.params import Group

NUM_NAMES = 8


def assign(module: nn.Module, groups: Sequence[Group]) -> list[list[nn.Parameter]]:
    """The parameters that no pattern matches, then those of each group: the first match counts.

    ValueError for a group without parameters.
    """
    found: list[list[nn.Parameter]] = [[] for _ in range(len(groups) + 1)]
    for name, parameter in module.named_parameters():
        matches = (place for place, group in enumerate(groups, 1) if fnmatchcase(name, group.pattern))
        found[next(matches, 0)].append(parameter)
    for place, group in enumerate(groups):
        if not found[place + 1]:
            names = [name for name, _ in module.named_parameters()]
            shown = ", ".join(names[:: max(1, -(-len(names) // NUM_NAMES))])
            raise ValueError(
                f"train.groups[{place}].pattern: {group.pattern!r} matches no parameter outside earlier"
                f" groups; there are {len(names)}, among them {shown}"
            )
    return found


def trainable(module: nn.Module, groups: Sequence[Group]) -> list[list[nn.Parameter]]:
    """The optimizer's parameters, now or once unfrozen: the rest, then each group that is not frozen.

    Call it while groups freeze nothing: parameters without gradients, which the model itself froze, are
    left out. ValueError for a group without any left, or if there are none at all.
    """
    rest, *grouped = assign(module, groups)
    found = [_with_gradients(rest)]
    for place, (group, parameters) in enumerate(zip(groups, grouped, strict=True)):
        if group.frozen:
            continue
        found.append(_with_gradients(parameters))
        if not found[-1]:
            raise ValueError(
                f"train.groups[{place}].pattern: the model itself froze all parameters of {group.pattern!r},"
                " as with its encoder's freeze_ arguments; leave this group out, or unfreeze them there"
            )
    if not any(found):
        raise ValueError("train.groups: every parameter is frozen, so there is nothing to train")
    return found


def _with_gradients(parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if parameter.requires_grad]


def freeze(
    module: nn.Module, groups: Sequence[Group], epoch: float, always: Collection[str] = frozenset()
) -> None:
    """Freeze the groups that are frozen in this epoch, and unfreeze the others that freeze.

    ``always`` are the names of parameters that the model froze itself: no group unfreezes them. Frozen
    parameters stay the same bit for bit: they have no gradients, and modules with only frozen parameters are
    in evaluation mode (no dropout, no batch statistics). ValueError if all are frozen.
    """
    frozen: dict[nn.Parameter, bool] = {}
    for group, parameters in zip(groups, assign(module, groups)[1:], strict=True):
        if group.frozen or group.unfreeze_epoch:
            frozen |= dict.fromkeys(parameters, group.frozen or epoch < (group.unfreeze_epoch or 0))
    own = {parameter for name, parameter in module.named_parameters() if name in always}
    frozen |= dict.fromkeys(frozen.keys() & own, True)
    for parameter, is_frozen in frozen.items():
        parameter.requires_grad_(not is_frozen)
    for part in module.modules():  # a module comes before those within it
        inside = list(part.parameters())
        if inside and all(parameter in frozen for parameter in inside):
            part.train(not all(frozen[parameter] for parameter in inside))
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError(f"train.groups: every parameter is frozen in epoch {epoch}: leave one trainable")
