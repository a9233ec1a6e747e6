"""Text of the data on a terminal."""

import io
import sys


def printable(text: object) -> str:
    """Text on one line, with what would steer a terminal, turn the direction of writing or not be seen as
    escapes.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(text)
    )


def escape_what_cannot_be_shown() -> None:
    """From now on this process prints escapes for what the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
