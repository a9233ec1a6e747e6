"""The name of a run in TensorBoard and other loggers; never in files that DVC tracks."""

from datetime import datetime
from itertools import chain, count
from pathlib import Path

from stages.program.outputs import write_whole
from stages.schema.params import Train
from stages.schema.part import Part, parameters_of


def name_of_run(settings: Train, kept: Path, others: Path) -> str:
    """The name ``kept`` when this run started, or a new one that no folder in ``others`` has."""
    if not kept.exists():
        wanted = settings.run_name or built_name(settings, datetime.now())
        names = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
        write_whole(kept, next(name for name in names if not (others / name).exists()).encode())
    return kept.read_text()


def built_name(settings: Train, started: datetime) -> str:
    """network, freeze, transformer, optimizer, batch_size and time with their values, joined by _."""
    network, batching = _network(settings.task), settings.batching
    pairs: dict[str, object] = {"network": _class_name(network)}
    for key, argument in (("freeze", "freeze_feature_extractor"), ("transformer", "freeze_transformer")):
        if argument in network.init_args:
            pairs[key] = str(network.init_args[argument]).lower()
    pairs["optimizer"] = _class_name(settings.optimizer)
    if batching.max_batch_size:
        pairs["batch_size"] = batching.max_batch_size
    else:
        pairs["batch_seconds"] = f"{batching.max_batch_seconds:g}"
    pairs["time"] = f"{started:%d_%m_%Y_%H_%M}"
    return "_".join(f"{key}_{value}" for key, value in pairs.items())


def _network(task: Part) -> Part:
    """The task's encoder, given or default; the task itself if it has none."""
    parameter = parameters_of(task.load()).get("encoder")
    found = task.init_args.get("encoder", parameter.default if parameter else task)
    return found if isinstance(found, Part) else Part.model_validate(found)


def _class_name(part: Part) -> str:
    return part.class_path.rpartition(".")[2]
