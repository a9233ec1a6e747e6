"""Print text from the data on a terminal."""

import io
import sys


def printable(text: object) -> str:
    """Text on one line; control characters, changes of writing direction and invisible characters are
    escaped.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(text)
    )


def escape_what_cannot_be_shown() -> None:
    """Print characters that the terminal's encoding lacks as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
