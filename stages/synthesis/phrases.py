"""Random numbers, strings of digits and household commands, in lower-case English words."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
CHOICES = {
    "SWITCH": ("on", "off"),
    "ROOM": ("kitchen", "bedroom", "bathroom", "garden", "hall"),
    "DEVICE": ("light", "lamp", "radio", "fan", "heating"),
    "MOVE": ("open", "close"),
    "BARRIER": ("door", "window", "curtain"),
    "CLOCK": ("timer", "alarm"),
    "UNIT": ("seconds", "minutes", "hours"),
    "CHANGE": ("raise", "lower"),
}
COMMANDS = (
    "turn SWITCH the ROOM DEVICE",
    "turn SWITCH the DEVICE in AMOUNT UNIT",
    "MOVE the ROOM BARRIER",
    "set CLOCK to AMOUNT UNIT",
    "set the ROOM heating to AMOUNT degrees",
    "CHANGE the volume to AMOUNT",
    "play song NUMBER",
    "stop the CLOCK in AMOUNT UNIT",
)
KINDS: tuple[tuple[str, ...], ...] = (("NUMBER",), ("DIGITS", "call DIGITS"), COMMANDS)  # equally often
AMOUNTS = ((2, 20), (20, 100))  # equally often; otherwise the teens would be rare


def phrase(generator: np.random.Generator) -> str:
    """A number below ten thousand, three to five digits, or a command: each a third of the time."""
    template = _choose(_choose(KINDS, generator), generator)
    return " ".join(_fill(word, generator) for word in template.split())


def spell(number: int) -> str:
    """A number from 0 to 9999 in words: 1742 is "one thousand seven hundred forty two"."""
    if number < 20:
        return ONES[number]
    if number < 100:
        head, rest = TENS[number // 10 - 2], number % 10
    elif number < 1000:
        head, rest = f"{ONES[number // 100]} hundred", number % 100
    else:
        head, rest = f"{ONES[number // 1000]} thousand", number % 1000
    return f"{head} {spell(rest)}" if rest else head


def _fill(word: str, generator: np.random.Generator) -> str:
    """The words for one word of a template; those in capitals are drawn."""
    match word:
        case "NUMBER":
            return spell(int(generator.integers(10 ** generator.integers(3, 5))))
        case "AMOUNT":
            return spell(int(generator.integers(*_choose(AMOUNTS, generator))))
        case "DIGITS":
            return " ".join(ONES[digit] for digit in generator.integers(10, size=generator.integers(3, 6)))
        case _:
            return _choose(CHOICES[word], generator) if word in CHOICES else word


def _choose(options: Sequence[T], generator: np.random.Generator) -> T:
    return options[int(generator.integers(len(options)))]
