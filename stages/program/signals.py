"""Honest exits on signals, at once or after what must not be torn apart."""

import signal
from types import FrameType

_received: int | None = None
_held = False


ENDING = (signal.SIGTERM, signal.SIGINT)


def exit_on_signals(*signums: signal.Signals) -> None:
    """End the program with code 128 + signal at one of these, by default SIGTERM and Ctrl-C, so that one that
    was interrupted never looks finished. An ignored signal stays so; what follows the first one is ignored.
    """
    global _received, _held
    _received, _held = None, False
    take_signals(*signums)


def take_signals(*signums: signal.Signals) -> None:
    """The same again, after a library has put its own handlers in place."""
    for signum in signums or ENDING:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _leave)


def hold_exit() -> None:
    """From here on a signal waits for ``release_exit``."""
    global _held
    _held = True


def release_exit() -> None:
    """Signals end the process again; SystemExit if one came meanwhile, or was lost: Python drops what is
    raised within a finalizer.
    """
    global _held
    _held = False
    if _received is not None:
        raise SystemExit(128 + _received)


def _leave(signum: int, frame: FrameType | None) -> None:
    global _received
    if _received is None:
        _received = signum
        if not _held:
            raise SystemExit(128 + signum)
