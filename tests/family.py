"""The classes of a family of plug-ins, found unseen."""

import importlib
import inspect
import pkgutil
from typing import Any

from stages.schema.part import Part


def classes_of(base: type[Any], package: str = "") -> list[Any]:
    """The public classes that can be built, of every module in the folder of their base class, or of another
    ``package`` where the base is somebody else's.
    """
    folder = importlib.import_module(package or base.__module__.rpartition(".")[0])
    return [
        cls
        for module in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}.")
        for name, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        if issubclass(cls, base) and cls is not base and cls.__module__ == module.name
        if not inspect.isabstract(cls) and not name.startswith("_")
    ]


def part_of(cls: type[Any], **init_args: Any) -> Part:
    """As params.yaml names it, with its own small defaults."""
    return Part(class_path=f"{cls.__module__}.{cls.__qualname__}", init_args=init_args)
