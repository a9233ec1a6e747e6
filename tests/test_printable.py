"""What is printed, whatever the terminal can show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PRINT = (
    "from stages.program.printable import escape_what_cannot_be_shown;"
    "escape_what_cannot_be_shown(); print('caf\\u00e9 \\u0434\\u043e\\u043c')"
)


@pytest.mark.parametrize(
    ("encoding", "printed"), [("ascii", rb"caf\xe9 \u0434\u043e\u043c"), ("utf-8", "café дом".encode())]
)
def test_what_a_terminal_cannot_show_is_printed_as_escapes(encoding: str, printed: bytes) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=Path(__file__).parents[1], env=environment, capture_output=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == printed
