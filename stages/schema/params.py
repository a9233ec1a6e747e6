"""params.yaml: two shared values and five sections, each read only by the stage of its name."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from stages.schema.families import (
    AugmentationPart,
    CallbackPart,
    CopyPart,
    CorpusPart,
    FormatPart,
    FrontendPart,
    LoggerPart,
    MetricPart,
    OptimizerPart,
    SchedulePart,
    SearchPart,
    Split,
    TaskPart,
    TokensPart,
)
from stages.schema.quantities import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SampleRate,
    Seed,
)


def _below_inputs(path: str) -> str:
    if not path or Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError(
            "must be relative to train.inputs and inside it (in the section evaluate: evaluate.inputs), where"
            " DVC sees it change"
        )
    return path


InputFile = Annotated[str, AfterValidator(_below_inputs)]


class Section(BaseModel):
    """Strict: an unknown key, a wrong type or an invalid value is an error with its path."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Bounds(Section):
    min: NonNegativeFloat = 0.0
    max: PositiveFloat

    @model_validator(mode="after")
    def leave_room(self) -> "Bounds":
        if self.min > self.max:
            raise ValueError(f"min, {self.min:g}, is greater than max, {self.max:g}")
        return self

    def __contains__(self, value: float) -> bool:
        return self.min <= value <= self.max


class Manifest(Section):
    """Training utterances whose duration is not within ``train_seconds`` are left out. Every other utterance
    is evaluated, whatever its duration.
    """

    root: str
    corpora: list[CorpusPart] = Field(min_length=1)
    splits: list[Split] = Field(min_length=1)
    carve: dict[Literal["validation", "test"], Annotated[float, Field(gt=0, lt=1)]]
    seed: NonNegativeInt
    train_seconds: Bounds | None = None
    max_characters_per_second: PositiveFloat
    max_rejected: Fraction


class Executor(Section):
    """Processes of this machine (null: one per core), or the workers of the Dask cluster whose scheduler has
    this address, such as tcp://10.0.0.5:8786.
    """

    num_processes: PositiveInt | None = None
    dask_scheduler: Annotated[str, Field(pattern=r"^(tcp|tls|ucx|ws|wss)://\S+$")] | None = None

    @model_validator(mode="after")
    def either_here_or_there(self) -> "Executor":
        if self.num_processes is not None and self.dask_scheduler is not None:
            raise ValueError("a Dask cluster has its own number of processes: leave out num_processes")
        return self


class Features(Section):
    inputs: str
    frontend: FrontendPart
    sample_rate: SampleRate
    copies: list[CopyPart]
    executor: Executor


class Batching(Section):
    max_batch_seconds: PositiveFloat
    max_batch_size: PositiveInt | None
    num_workers: NonNegativeInt


class Group(Section):
    """Parameters by name: each belongs to the first group whose pattern (as for file names) matches.

    ``frozen`` parameters are never trained; those with ``unfreeze_epoch`` from that epoch (0-based) on.
    """

    pattern: Annotated[str, Field(min_length=1)]
    lr_scale: PositiveFloat = 1.0
    frozen: bool = False
    unfreeze_epoch: PositiveInt | None = None

    @model_validator(mode="after")
    def frozen_parameters_have_no_plans(self) -> "Group":
        if self.frozen and self.unfreeze_epoch is not None:
            raise ValueError("frozen is for the whole training: leave out frozen or unfreeze_epoch")
        if self.frozen and self.lr_scale != 1.0:
            raise ValueError("frozen parameters have no learning rate: leave out frozen or lr_scale")
        return self


RunName = Annotated[str, Field(pattern=r"^\w[\w .,+=-]*$")]  # it becomes a folder's name


class Checkpoint(Section):
    """Keeps the ``save_top_k`` best checkpoints and those of ``every_n_epochs``; with ``save_weights_only:
    false`` also the state from which train.resume_from resumes.
    """

    monitor: str
    mode: Literal["min", "max"]
    save_top_k: PositiveInt = 1
    every_n_epochs: PositiveInt | None = None
    save_weights_only: bool = True


class EarlyStopping(Section):
    monitor: str
    mode: Literal["min", "max"]
    patience: PositiveInt
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class InitFrom(Section):
    """The checkpoint whose weights training starts from: see stages.tasks.initialization.

    ``path`` is relative to train.inputs; ``prefix`` is removed from the file's keys; ``rename`` then maps
    prefixes of keys to new ones (the longest match counts, "" matches all keys); ``tokens`` is the order of
    the output layer, for a file without its vocabulary.
    """

    path: InputFile
    strict: bool = True
    prefix: Annotated[str, Field(min_length=1)] | None = None
    rename: dict[str, str] | None = None
    tokens: list[str] | None = None
    restore_optimizer: bool = False
    restore_schedule: bool = False

    @model_validator(mode="after")
    def states_belong_to_weights(self) -> "InitFrom":
        if not self.strict and (self.restore_optimizer or self.restore_schedule):
            raise ValueError(
                "restore_optimizer and restore_schedule need strict: true, as states belong to all weights"
            )
        return self


class Train(Section):
    inputs: str
    run_name: RunName | None = None
    tokens: TokensPart
    task: TaskPart
    frontend: FrontendPart | None
    augment: list[AugmentationPart]
    batching: Batching
    optimizer: OptimizerPart
    groups: list[Group] = []
    schedule: SchedulePart | None
    checkpoint: Checkpoint
    early_stopping: EarlyStopping | None
    resume_from: InputFile | None = None
    init_from: InitFrom | None = None
    callbacks: list[CallbackPart]
    loggers: list[LoggerPart]
    trainer: dict[str, Any]  # arguments of lightning.Trainer


class Evaluate(Section):
    inputs: str
    split: Literal["validation", "test"]
    search: SearchPart | None
    metrics: list[MetricPart] = Field(min_length=1)


class Export(Section):
    formats: list[FormatPart]


class Params(Section):
    """The complete params.yaml."""

    seed: Seed
    lr: PositiveFloat
    manifest: Manifest
    features: Features
    train: Train
    evaluate: Evaluate
    export: Export
