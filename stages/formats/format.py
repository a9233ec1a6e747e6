"""What a format answers."""

from abc import ABC, abstractmethod
from pathlib import Path

from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task


class Format(ABC):
    """Writes a trained model into a folder of its own, and fails when what it wrote computes otherwise."""

    @abstractmethod
    def write(self, recipe: Recipe, task: Task, folder: Path) -> None: ...
