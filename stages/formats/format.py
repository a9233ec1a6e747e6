"""The interface of an export format."""

from abc import ABC, abstractmethod
from pathlib import Path

from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task


class Format(ABC):
    """Writes a trained model to its own folder, and fails if the result differs from the model."""

    @abstractmethod
    def write(self, recipe: Recipe, task: Task, folder: Path) -> None: ...
