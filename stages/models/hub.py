"""Pretrained models: a folder in train.inputs in the Hugging Face hub's format, or the hub itself."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from torch import nn

NEEDED = "config.json"  # every model has it, and it is requested first


@dataclass(frozen=True)
class Hub:
    """A pretrained model by its name: a folder in train.inputs if there is one, else an id of the hub.

    Files downloaded before come from the hub's own cache; without network, an optional file counts as absent
    if the cache has the model's configuration. The token comes from the environment (``HF_TOKEN``).
    ValueError, in one line, if a file cannot be read or downloaded.
    """

    name: str
    revision: str | None = None

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{self.name}: a local model must be in train.inputs and named relative to it")

    def json(self, inputs: Path, file: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """A file's content; ``default``, if given, when the model has no such file."""
        path = self._path(inputs, file, optional=default is not None)
        if path is None:
            assert default is not None
            return default
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: not readable as JSON: {error}") from error
        if not isinstance(content, dict):
            raise ValueError(f"{path}: expected keys and values")
        return content

    def load_weights(self, model: Any, inputs: Path) -> None:
        """Load the weights into a model of transformers; ValueError with names if they do not fit it."""
        from transformers.utils import logging

        folder = inputs / self.name
        logging.set_verbosity_error()  # it would list the heads that are not used
        logging.disable_progress_bar()
        try:
            loaded, report = type(model).from_pretrained(
                str(folder) if folder.is_dir() else self.name,
                config=model.config,
                revision=self.revision or "main",
                dtype="float32",
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
        except Exception as error:  # damage has many exception types
            if folder.is_dir():
                raise ValueError(f"{folder}: its weights cannot be read: {_first_line(error)}") from error
            raise ValueError(self._advice(inputs, "its weights", error)) from error
        fresh = {"masked_spec_embed"}  # models that were trained without SpecAugment have none
        missing = sorted(set(report["missing_keys"]) - fresh)
        missing += sorted(str(name) for name, *_ in report["mismatched_keys"])
        if missing:
            named = ", ".join(missing[:5])
            raise ValueError(f"{self.name}: weights are missing or differ in size from its config: {named}")
        weights = loaded.state_dict()
        own: nn.Module = model
        if broken := [name for name in own.state_dict() if not weights[name].isfinite().all()]:
            raise ValueError(f"{self.name}: {broken[0]} is not finite: its file is damaged; use another")
        own.load_state_dict({name: weights[name] for name in own.state_dict()})

    def _path(self, inputs: Path, file: str, optional: bool) -> Path | None:
        folder = inputs / self.name
        if folder.is_dir():
            if not (folder / file).is_file() and not optional:
                raise ValueError(f"{folder}: no {file}; a model in the hub's format has one")
            return folder / file if (folder / file).is_file() else None
        return self._downloaded(inputs, file, optional)

    def _downloaded(self, inputs: Path, file: str, optional: bool) -> Path | None:
        try:
            import huggingface_hub as hub
            from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
        except ImportError as error:
            raise ValueError(
                f"{self.name}: pip install -c constraints.txt -e '.[pretrained]' to read it"
            ) from error
        try:
            cached = hub.try_to_load_from_cache(self.name, file, revision=self.revision)
            if isinstance(cached, str):
                return Path(cached)
            url = hub.hf_hub_url(self.name, file, revision=self.revision)
            hub.get_hf_file_metadata(url, token=hub.get_token())  # fails immediately; a download keeps trying
            return Path(hub.hf_hub_download(self.name, file, revision=self.revision))
        except Exception as error:  # HTTP, invalid names, missing access: each has its own type
            absent = isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
            if optional and not isinstance(error, HfHubHTTPError):  # no network: is the model cached?
                rest = hub.try_to_load_from_cache(self.name, NEEDED, revision=self.revision)
                absent = absent or isinstance(rest, str)
            if optional and absent:
                return None
            raise ValueError(self._advice(inputs, file, error)) from error

    def _advice(self, inputs: Path, what: str, error: Exception) -> str:
        return (
            f"{self.name} is not a folder in {inputs}, and {what} cannot be downloaded from the Hugging Face"
            f" hub ({_first_line(error)}): with network, run `hf download {self.name} --local-dir DIR`"
            " (HF_TOKEN in the environment if it is private), put DIR into train.inputs and name it here"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
