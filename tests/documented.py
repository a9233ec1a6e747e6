"""What the pages of README.md, CONTRIBUTING.md and docs/ tell people to type."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md")),
]
FENCED = re.compile(
    r"(?:^<!-- ([\w ]+?)(?:: ([^\n]*?))? -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
MARKS = {"slow", "long", "elsewhere", "not checked"}  # see "These pages" in docs/developing.md


class Block(NamedTuple):
    page: str
    line: int
    mark: str
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language == language]


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(name, text[: found.start(4)].count("\n") + 1, found[1] or "", found[3], found[4])
        for found in FENCED.finditer(text)
    ]
