"""Text of the data on a terminal."""


def printable(text: object) -> str:
    """Text on one line, with what would steer a terminal, turn the direction of writing or not be seen as
    escapes.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(text)
    )
