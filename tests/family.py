"""The classes of a family of plug-ins, found unseen."""

import importlib
import inspect
import pkgutil
from typing import Any


def classes_of(base: type[Any]) -> list[Any]:
    """The public classes that can be built, of every module in the folder of their base class."""
    package = importlib.import_module(base.__module__.rpartition(".")[0])
    return [
        cls
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        for name, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        if issubclass(cls, base) and cls is not base and cls.__module__ == module.name
        if not inspect.isabstract(cls) and not name.startswith("_")
    ]
