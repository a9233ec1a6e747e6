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
    """Strict: an unknown key, a wrong type or an invalid value is an error with its path.

    ``#:`` after a key describes it in docs/reference/params.md.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Bounds(Section):
    min: NonNegativeFloat = 0.0  #: the shortest
    max: PositiveFloat  #: the longest

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

    root: str  #: the folder of the raw data
    corpora: list[CorpusPart] = Field(min_length=1)  #: where utterances come from
    splits: list[Split] = Field(min_length=1)  #: those that must come out, none of them empty
    #: the share of speakers that each split without a list takes from training
    carve: dict[Literal["validation", "test"], Annotated[float, Field(gt=0, lt=1)]]
    seed: NonNegativeInt  #: of splits, limits and synthesis
    train_seconds: Bounds | None = None  #: how long utterances may be to be trained on
    max_characters_per_second: PositiveFloat  #: faster utterances are rejected
    max_rejected: Fraction  #: the stage stops when a greater share of the rows is rejected


class Executor(Section):
    """Processes of this machine (null: one per core), or the workers of the Dask cluster whose scheduler has
    this address, such as tcp://10.0.0.5:8786.
    """

    num_processes: PositiveInt | None = None  #: of this machine; null is one for each core
    #: the address of a Dask cluster's scheduler
    dask_scheduler: Annotated[str, Field(pattern=r"^(tcp|tls|ucx|ws|wss)://\S+$")] | None = None

    @model_validator(mode="after")
    def either_here_or_there(self) -> "Executor":
        if self.num_processes is not None and self.dask_scheduler is not None:
            raise ValueError("a Dask cluster has its own number of processes: leave out num_processes")
        return self


class Features(Section):
    inputs: str  #: the folder of noises and impulse responses for copies
    frontend: FrontendPart  #: what is made of recordings and cached
    sample_rate: SampleRate  #: recordings are resampled to it
    copies: list[CopyPart]  #: augmented copies of the training split that are cached
    executor: Executor  #: who makes shards


class Batching(Section):
    max_batch_seconds: PositiveFloat  #: audio of one optimizer step, padding counted
    max_batch_size: PositiveInt | None  #: at most so many utterances; null is no limit
    num_workers: NonNegativeInt  #: loader processes; 0 is the training's own


class Group(Section):
    """Parameters by name: each belongs to the first group whose pattern (as for file names) matches.

    ``frozen`` parameters are never trained; those with ``unfreeze_epoch`` from that epoch (0-based) on.
    """

    pattern: Annotated[str, Field(min_length=1)]  #: of parameters' names, such as encoder.*
    lr_scale: PositiveFloat = 1.0  #: their learning rate as a share of lr
    frozen: bool = False  #: never trained
    unfreeze_epoch: PositiveInt | None = None  #: trained from this epoch on

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

    monitor: str  #: the metric that says which checkpoint is the best, such as val_wer
    mode: Literal["min", "max"]  #: whether the lowest or the highest is the best
    save_top_k: PositiveInt = 1  #: so many best ones are kept
    every_n_epochs: PositiveInt | None = None  #: those of every nth epoch are kept too
    save_weights_only: bool = True  #: false keeps state.ckpt too


class EarlyStopping(Section):
    monitor: str  #: the metric that must improve
    mode: Literal["min", "max"]  #: whether lower or higher is better
    patience: PositiveInt  #: validations without improvement after which training ends
    min_delta: Annotated[float, Field(ge=0)] = 0.0  #: less is no improvement


class InitFrom(Section):
    """The checkpoint whose weights training starts from: see stages.tasks.initialization.

    ``path`` is relative to train.inputs; ``prefix`` is removed from the file's keys; ``rename`` then maps
    prefixes of keys to new ones (the longest match counts, "" matches all keys); ``tokens`` is the order of
    the output layer, for a file without its vocabulary.
    """

    path: InputFile  #: the checkpoint, in train.inputs
    strict: bool = True  #: whether all weights must be there and fit
    prefix: Annotated[str, Field(min_length=1)] | None = None  #: removed from its keys
    rename: dict[str, str] | None = None  #: beginnings of its keys, and what they become
    tokens: list[str] | None = None  #: the order of its output layer
    restore_optimizer: bool = False  #: also the moments of a Lightning checkpoint
    restore_schedule: bool = False  #: also the position of its schedule, and its learning rate

    @model_validator(mode="after")
    def states_belong_to_weights(self) -> "InitFrom":
        if not self.strict and (self.restore_optimizer or self.restore_schedule):
            raise ValueError(
                "restore_optimizer and restore_schedule need strict: true, as states belong to all weights"
            )
        return self


class Train(Section):
    inputs: str  #: the folder of checkpoints, lexicons, vocabularies and noises
    run_name: RunName | None = None  #: of folders in artifacts/logs; null makes one of the parts
    tokens: TokensPart  #: how transcripts are written as tokens
    task: TaskPart  #: what is learned, with its encoder, loss and search
    frontend: FrontendPart | None  #: makes features on the device; needs cached waveforms
    augment: list[AugmentationPart]  #: drawn anew in every epoch, for training alone
    batching: Batching  #: how utterances become batches
    optimizer: OptimizerPart  #: any of torch's; its learning rate is lr
    groups: list[Group] = []  #: learning rates of their own, and what is frozen, by name
    schedule: SchedulePart | None  #: of the learning rate; null keeps it
    checkpoint: Checkpoint  #: which checkpoints are kept
    early_stopping: EarlyStopping | None  #: when to end before max_epochs; null is never
    resume_from: InputFile | None = None  #: a state.ckpt in train.inputs from which training goes on
    init_from: InitFrom | None = None  #: weights to start from; null is fresh ones
    callbacks: list[CallbackPart]  #: of Lightning, besides the stage's own
    loggers: list[LoggerPart]  #: of Lightning, besides TensorBoard and CSV
    trainer: dict[str, Any]  #: arguments of lightning.Trainer


class Evaluate(Section):
    inputs: str  #: the folder of language models
    split: Literal["validation", "test"]  #: the split that is scored
    search: SearchPart | None  #: in the place of the task's own; null is the task's
    metrics: list[MetricPart] = Field(min_length=1)  #: what metrics.json holds


class Export(Section):
    formats: list[FormatPart]  #: what is written to artifacts/export


class Params(Section):
    """The complete params.yaml."""

    seed: Seed  #: of the training: weights, order of batches, augmentation, dropout
    lr: PositiveFloat  #: the one learning rate, the highest of a schedule with warm-up
    manifest: Manifest  #: read by stages/manifest.py alone
    features: Features  #: read by stages/features.py alone
    train: Train  #: read by stages/train.py, with seed and lr
    evaluate: Evaluate  #: read by stages/evaluate.py alone
    export: Export  #: read by stages/export.py alone
