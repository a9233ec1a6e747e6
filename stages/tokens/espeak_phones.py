"""The phones of words by espeak-ng, in any of its languages.

A fresh process handles all texts of a language, sorted, so that the same texts give the same phones.
``espeak_TextToPhonemes`` is documented in speak_lib.h of espeak-ng.
"""

import ctypes
import json
import re
import sys
from collections.abc import Iterable

from stages.program import espeak as library
from stages.program.parents import die_with_parent

UTF8, IPA, SEPARATOR = 1, 2, "_"
OTHER_LANGUAGE = re.compile(r"\([a-z-]+\)")  # start and end of a foreign word
STRESS = re.compile("[\u02c8\u02cc]")  # primary and secondary


def phones_of(texts: Iterable[str], language: str, stress: bool = False) -> dict[str, str]:
    """Each text with its phones in IPA, separated by spaces; ``stress`` marks stressed vowels.

    ``language`` is one of espeak-ng, such as ``ru`` or ``en-us``. ValueError if it is unknown or espeak-ng
    is not installed.
    """
    ordered = sorted(set(texts))
    path, data = library.installed()
    request = {"library": path, "data": data, "voice": language, "texts": ordered}
    found = json.loads(library.ask("stages.tokens.espeak_phones", request))
    return {text: _cleaned(spelled, stress) for text, spelled in zip(ordered, found, strict=True)}


def _cleaned(spelled: str, stress: bool) -> str:
    spelled = OTHER_LANGUAGE.sub("", spelled)
    if not stress:
        spelled = STRESS.sub("", spelled)
    return " ".join(spelled.replace(SEPARATOR, " ").split())


def _spell(engine: ctypes.CDLL, text: str) -> str:
    """All clauses of a text: the engine takes one at a time and advances the pointer."""
    rest = ctypes.c_char_p(text.encode())
    clauses = []
    while rest.value is not None:
        clauses.append(engine.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA | ord(SEPARATOR) << 8))
    return " ".join((clause or b"").decode() for clause in clauses)


def _main() -> None:
    die_with_parent()
    request = json.load(sys.stdin)
    try:
        engine = library.start(request["library"], request["data"], request["voice"])
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    engine.espeak_TextToPhonemes.restype = ctypes.c_char_p
    sys.stdout.write(json.dumps([_spell(engine, text) for text in request["texts"]]))


if __name__ == "__main__":
    _main()
