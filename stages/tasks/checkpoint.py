"""best.ckpt and last.ckpt: weights with everything needed to use them, and nothing else.

They contain no times, paths or optimizer: the same training gives the same bytes. Loading runs no code.
"""

import io
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from stages.schema.families import FrontendPart, TaskPart, TokensPart
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import SHAPE_ALONE
from stages.tasks.task import Task
from stages.tasks.torch_file import read_torch, reason
from stages.tokens.tokens import Tokens


class Recipe(BaseModel):
    """What a task is built from, besides its weights."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    task: TaskPart
    tokens: TokensPart
    vocabulary: list[str]
    tokens_state: str = ""  # needed to split texts, if the vocabulary is not enough
    features: FeatureMetadata
    frontend: FrontendPart | None  # runs on the device, on cached waveforms

    @classmethod
    def read(cls, written: str | bytes) -> "Recipe":
        """The recipe in a file; ``build`` checks that its classes exist and belong to the right families."""
        return cls.model_validate_json(written, context=SHAPE_ALONE)

    def build(self) -> Task:
        """The task with fresh weights. Raises pydantic's ValidationError, and calls nothing, if a part is not
        of the family that params.yaml allows there.
        """
        Recipe.model_validate_json(self.model_dump_json())
        tokens: Tokens = self.tokens.build()
        tokens.restore(self.vocabulary)
        tokens.restore_state(self.tokens_state)
        frontend = self.frontend.build(sample_rate=self.features.sample_rate) if self.frontend else None
        num_features = frontend.feature_size if frontend else self.features.feature_size
        task: Task = self.task.build(tokens=tokens, num_features=num_features)
        task.frontend = frontend
        return task


def pack(recipe: Recipe, weights: dict[str, Tensor]) -> bytes:
    """The bytes of a checkpoint file."""
    # one string: pickle writes equal strings differently if they are not the same object
    content = {"recipe": recipe.model_dump_json(), "state_dict": dict(sorted(weights.items()))}
    buffer = io.BytesIO()  # a file's name would become part of its bytes
    torch.save(content, buffer)
    return buffer.getvalue()


def load(path: Path) -> tuple[Recipe, Task]:
    """The recipe and the task with its weights, in evaluation mode; ValueError for any other file."""
    try:
        content = read_torch(path)
        weights: dict[str, Tensor] = content["state_dict"]
        recipe = Recipe.read(content["recipe"])
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file; run the train stage") from error
    except Exception as error:  # also for a file with other content
        raise ValueError(f"{path}: not a checkpoint of the train stage: {reason(error)}") from error
    try:
        task = recipe.build()
        task.load_state_dict(weights)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ValueError(
            f"{path} is from another version of Earshot or of your own classes: some of its parts do not"
            f" exist, or took other arguments ({wrong}). Train again"
        ) from error
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: its weights, vocabulary and parts do not fit together: {error}") from error
    return recipe, task.eval()
