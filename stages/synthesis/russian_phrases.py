"""Short Russian sentences: who does what, where and when, in everyday words."""

# ruff: noqa: RUF001 - these are Cyrillic letters

from collections.abc import Sequence

import numpy as np

WHO = (
    "мама", "бабушка", "сестра", "жена", "девочка", "учитель", "врач", "инженер", "шофёр", "сосед", "мальчик",
    "дядя", "юноша", "хозяйка", "журналист", "певица", "тётя", "ученица", "почтальон", "дедушка",
)  # fmt: skip
HOW = (
    "медленно", "быстро", "тихо", "часто", "редко", "весело", "осторожно", "внимательно", "ещё", "уже",
    "опять", "обычно",
)  # fmt: skip
# a verb that takes an object, and objects in the accusative that it takes
DOES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("читает", ("книгу", "письмо", "газету", "объявление", "стихи")),
    ("пишет", ("рассказ", "письмо", "список", "доклад")),
    ("покупает", ("хлеб", "яблоки", "цветы", "чай", "рубашку", "сыр", "ягоды")),
    ("ищет", ("ключ", "очки", "зонт", "площадь", "щётку")),
    ("готовит", ("щи", "борщ", "рыбу", "завтрак", "ужин", "пирог")),
    ("моет", ("посуду", "окно", "чашку", "машину", "пол")),
    ("рисует", ("дом", "лошадь", "гору", "вьюгу", "жёлтый лист")),
    ("слушает", ("музыку", "дождь", "радио", "песню", "шум моря")),
    ("видит", ("звезду", "зайца", "мост", "корабль", "синее небо", "большой город")),
    ("несёт", ("сумку", "мяч", "тяжёлый ящик", "молоко", "горячий суп")),
)
WHERE = (
    "в школе", "на кухне", "в саду", "у окна", "на площади", "в поезде", "на рынке", "за столом",
    "в библиотеке", "под деревом", "на улице", "в деревне", "у реки", "на даче",
)  # fmt: skip
WHEN = (
    "утром", "вечером", "днём", "ночью", "сегодня", "зимой", "летом", "осенью", "в июле", "в пятницу",
    "каждый день", "после обеда",
)  # fmt: skip
ORDERS = (
    ("WHO", "HOW", "DOES"),
    ("WHO", "DOES", "WHERE"),
    ("WHEN", "WHO", "DOES"),
    ("WHERE", "WHO", "HOW", "DOES"),
    ("WHEN", "WHERE", "WHO", "DOES"),
)


def russian_phrase(generator: np.random.Generator) -> str:
    """A short sentence in lower case, without punctuation: "вечером хозяйка ищет ключ"."""
    order = ORDERS[int(generator.integers(len(ORDERS)))]
    return " ".join(_words(part, generator) for part in order)


def _words(part: str, generator: np.random.Generator) -> str:
    if part == "DOES":
        verb, objects = DOES[int(generator.integers(len(DOES)))]
        return f"{verb} {_choose(objects, generator)}"
    return _choose({"WHO": WHO, "HOW": HOW, "WHERE": WHERE, "WHEN": WHEN}[part], generator)


def _choose(options: Sequence[str], generator: np.random.Generator) -> str:
    return options[int(generator.integers(len(options)))]
