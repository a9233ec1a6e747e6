"""params.yaml: two shared values and five sections, each read by the stage of its name alone."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stages.schema.agreement import problems
from stages.schema.part import Family, Part, refusal
from stages.schema.quantities import Fraction, NonNegativeInt, PositiveFloat, PositiveInt, SampleRate, Seed
from stages.schema.trainer import TrainerArguments

Split = Literal["train", "validation", "test"]

CorpusPart = Annotated[Part, Family("stages.corpora.corpus.Corpus")]
FrontendPart = Annotated[
    Part, Family("stages.frontends.frontend.Frontend", {"sample_rate": "features.sample_rate"})
]
CopyPart = Annotated[Part, Family("stages.augment.copy.Copy")]
AugmentationPart = Annotated[Part, Family("stages.augment.augmentation.Augmentation")]
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
SearchPart = Annotated[Part, Family("stages.search.search.Search")]
MetricPart = Annotated[Part, Family("stages.metrics.metric.Metric")]
FormatPart = Annotated[Part, Family("stages.formats.format.Format")]


class Section(BaseModel):
    """Strict: an unknown key, a wrong type or an impossible value is refused with its path."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Manifest(Section):
    root: str
    corpora: list[CorpusPart] = Field(min_length=1)
    splits: list[Split] = Field(min_length=1)
    carve: dict[Literal["validation", "test"], Annotated[float, Field(gt=0, lt=1)]]
    seed: NonNegativeInt
    max_characters_per_second: PositiveFloat
    max_rejected: Fraction


class Executor(Section):
    num_processes: PositiveInt | None


class Features(Section):
    frontend: FrontendPart
    sample_rate: SampleRate
    copies: list[CopyPart]
    executor: Executor


class Batching(Section):
    max_batch_seconds: PositiveFloat
    max_batch_size: PositiveInt | None
    num_workers: NonNegativeInt


class Schedule(Part):
    interval: Literal["step", "epoch"] = "step"
    monitor: str | None = None


SchedulePart = Annotated[
    Schedule,
    Family(
        "torch.optim.lr_scheduler.LRScheduler",
        {"optimizer": "train.optimizer", "total_steps": "counted by the stage", "max_lr": "the top-level lr"},
        folder="stages/schedules",
    ),
]


RunName = Annotated[str, Field(pattern=r"^\w[\w .,+=-]*$")]  # it becomes a folder's name


class Checkpoint(Section):
    monitor: str
    mode: Literal["min", "max"]


class EarlyStopping(Section):
    monitor: str
    mode: Literal["min", "max"]
    patience: PositiveInt
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Train(Section):
    inputs: str
    run_name: RunName | None = None
    tokens: TokensPart
    task: TaskPart
    frontend: FrontendPart | None
    augment: list[AugmentationPart]
    batching: Batching
    optimizer: OptimizerPart
    schedule: SchedulePart | None
    checkpoint: Checkpoint
    early_stopping: EarlyStopping | None
    callbacks: list[CallbackPart]
    loggers: list[LoggerPart]
    trainer: TrainerArguments


class Evaluate(Section):
    split: Literal["validation", "test"]
    search: SearchPart | None
    metrics: list[MetricPart] = Field(min_length=1)


class Export(Section):
    formats: list[FormatPart] = Field(min_length=1)


class Params(Section):
    """The whole of params.yaml."""

    seed: Seed
    lr: PositiveFloat
    manifest: Manifest
    features: Features
    train: Train
    evaluate: Evaluate
    export: Export

    @model_validator(mode="after")
    def parts_fit_together(self) -> "Params":
        if found := list(problems(self)):
            raise refusal(found)
        return self
