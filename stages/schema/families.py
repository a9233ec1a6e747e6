"""The families of parts that params.yaml names; keys that some have beside class_path and init_args."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from stages.schema.nested import parts_within
from stages.schema.part import Family, Part, import_class
from stages.schema.problems import joined
from stages.schema.quantities import NonNegativeInt, PositiveInt

Split = Literal["train", "validation", "test"]

Share = Annotated[float, Field(gt=0, le=1)]


class Corpus(Part):
    """A source of utterances, and what the manifest takes of it: see stages.listing.selection.

    ``limit`` is at most how many utterances of a split are taken: a share (``0.1``; ``1.0`` is all of them)
    or a number (``500``). ``repeat`` is how many times more than once training takes those of train in an
    epoch. With ``add_validation_to_train`` those of validation are trained on too, so that what validation
    shows is no longer of unseen utterances. ``id_prefix`` begins every id, for corpora that share ids.
    """

    limit: dict[Split, Share | PositiveInt] = {}
    repeat: NonNegativeInt = 0
    add_validation_to_train: bool = False
    id_prefix: str = ""


class Schedule(Part):
    interval: Literal["step", "epoch"] = "step"
    monitor: str | None = None


ON_WAVEFORMS = ("stages.augment.augmentation.Augmentation", "stages.augment.transform.Transform")
ON_FEATURES = "stages.augment.batch_augmentation.BatchAugmentation"


class Transforms(Family):
    """A family whose classes may have transforms among their arguments, as audiomentations' compositions do:
    these are checked like themselves, each at its place.
    """

    calls_parts = True

    def check_class(self, part: Part) -> None:
        found = []
        try:
            super().check_class(part)
        except ValidationError as error:
            found.append(error)
        for name, value in part.init_args.items():
            for place, within in parts_within(value, ("init_args", name)):
                try:
                    Within(ON_WAVEFORMS[1], folder=self.folder).check(within, Part.model_validate)
                except ValidationError as error:
                    found.append(joined([error], place))
        if found:
            raise joined(found)


class Within(Transforms):
    """Transforms within another, which calls them: our augmentations are not called."""

    def refuse(self, part: Part, cls: Any) -> str:
        if isinstance(cls, type) and issubclass(
            cls, tuple(map(import_class, (ON_WAVEFORMS[0], ON_FEATURES)))
        ):
            return f"{part.class_path} is not called by other transforms: name it in the list itself"
        return super().refuse(part, cls)


CorpusPart = Annotated[Corpus, Family("stages.corpora.corpus.Corpus")]
FrontendPart = Annotated[
    Part, Family("stages.frontends.frontend.Frontend", {"sample_rate": "features.sample_rate"})
]
CopyPart = Annotated[Part, Transforms(ON_WAVEFORMS)]
AugmentationPart = Annotated[Part, Transforms((*ON_WAVEFORMS, ON_FEATURES))]
TokensPart = Annotated[Part, Family("stages.tokens.tokens.Tokens")]
TaskPart = Annotated[
    Part,
    Family("stages.tasks.task.Task", {"tokens": "train.tokens", "num_features": "the frontend's"}),
]
OptimizerPart = Annotated[
    Part,
    Family(
        "torch.optim.Optimizer",
        {"params": "the model's", "lr": "the top-level lr, the one learning rate"},
        folder="stages/schedules",
    ),
]
CallbackPart = Annotated[Part, Family("lightning.pytorch.callbacks.Callback", folder="stages/callbacks")]
LoggerPart = Annotated[
    Part,
    Family(
        "lightning.pytorch.loggers.Logger",
        {"save_dir": "artifacts/logs, set by the stage"},
        folder="stages/callbacks",
    ),
]
TrainerPart = Annotated[
    Part,
    Family(
        (
            "lightning.pytorch.accelerators.Accelerator",
            "lightning.pytorch.plugins.CheckpointIO",
            "lightning.pytorch.plugins.LayerSync",
            "lightning.pytorch.plugins.Precision",
            "lightning.pytorch.plugins.environments.ClusterEnvironment",
            "lightning.pytorch.profilers.Profiler",
            "lightning.pytorch.strategies.Strategy",
        ),
        folder="stages/callbacks",
    ),
]
PROVIDED_TO_SEARCHES = {"tokens": "train.tokens", "inputs": "the section's own, the folder of its files"}
SearchPart = Annotated[Part, Family("stages.search.search.Search", PROVIDED_TO_SEARCHES)]
MetricPart = Annotated[Part, Family("stages.metrics.metric.Metric")]
FormatPart = Annotated[Part, Family("stages.formats.format.Format")]
SchedulePart = Annotated[
    Schedule,
    Family(
        "torch.optim.lr_scheduler.LRScheduler",
        {"optimizer": "train.optimizer", "total_steps": "counted by the stage", "max_lr": "the top-level lr"},
        folder="stages/schedules",
    ),
]
