"""The utterances of all corpora as columns, in a third of the memory of objects."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from stages.corpora.corpus import Utterance


class Utterances(Sequence[Utterance]):
    """Append-only. Common values (speaker, language, split) are stored once; labels, problems and contents
    only where present.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.texts: list[str] = []
        self._audio: list[str] = []
        self._splits: list[str | None] = []
        self._speakers: list[str | None] = []
        self._languages: list[str | None] = []
        self._offsets: list[float] = []
        self._durations: list[float | None] = []
        self._labels: dict[int, Any] = {}
        self._problems: dict[int, tuple[str, str]] = {}
        self.contents: dict[int, bytes] = {}
        self._shared: dict[str, str] = {}

    def take(self, found: list[Utterance]) -> None:
        """Append the utterances of a list and empty it, so that memory does not hold both."""
        found.reverse()
        while found:
            self.append(found.pop())

    def append(self, utterance: Utterance) -> None:
        number = len(self.ids)
        self.ids.append(utterance.id)
        self.texts.append(utterance.text)
        self._audio.append(str(utterance.audio))
        self._splits.append(self._once(utterance.split))
        self._speakers.append(self._once(utterance.speaker))
        self._languages.append(self._once(utterance.language))
        self._offsets.append(utterance.offset_seconds)
        self._durations.append(utterance.duration_seconds)
        if utterance.labels:
            self._labels[number] = utterance.labels
        if utterance.problem:
            self._problems[number] = utterance.problem
        if utterance.content:
            self.contents[number] = utterance.content

    def _once(self, value: Any) -> Any:
        return self._shared.setdefault(value, value) if isinstance(value, str) else value

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, number: int) -> Utterance: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Utterance]: ...
    def __getitem__(self, number: int | slice) -> Utterance | Sequence[Utterance]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return Utterance(
            id=self.ids[number],
            audio=Path(self._audio[number]),
            text=self.texts[number],
            split=self._splits[number],
            speaker=self._speakers[number],
            language=self._languages[number],
            offset_seconds=self._offsets[number],
            duration_seconds=self._durations[number],
            labels=self._labels.get(number, {}),
            problem=self._problems.get(number),
            content=self.contents.get(number),
        )

    def audio(self) -> Iterator[str]:
        """The path of every utterance's audio."""
        return iter(self._audio)

    def span(self, number: int) -> tuple[float, float | None]:
        """Offset and duration in seconds."""
        return self._offsets[number], self._durations[number]
