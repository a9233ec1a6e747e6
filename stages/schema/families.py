"""The families of parts that params.yaml names; keys that some have beside class_path and init_args."""

from typing import Annotated, Literal

from pydantic import Field

from stages.schema.part import Family, Part
from stages.schema.quantities import NonNegativeInt, PositiveInt

Split = Literal["train", "validation", "test"]

Share = Annotated[float, Field(gt=0, le=1)]


class Corpus(Part):
    """A source of utterances, and what the manifest takes of it: see stages.corpora.selection.

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


CorpusPart = Annotated[Corpus, Family("stages.corpora.corpus.Corpus")]
FrontendPart = Annotated[
    Part, Family("stages.frontends.frontend.Frontend", {"sample_rate": "features.sample_rate"})
]
ON_WAVEFORMS = ("stages.augment.augmentation.Augmentation", "stages.augment.transform.Transform")
CopyPart = Annotated[Part, Family(ON_WAVEFORMS)]
AugmentationPart = Annotated[
    Part, Family((*ON_WAVEFORMS, "stages.augment.batch_augmentation.BatchAugmentation"))
]
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
SearchPart = Annotated[Part, Family("stages.search.search.Search", {"tokens": "train.tokens"})]
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
