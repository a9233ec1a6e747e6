"""Honest exits on signals, at once or after what must not be torn apart."""

import signal
from types import FrameType

_received: int | None = None
_held = False


def exit_on_signals() -> None:
    """Turn SIGTERM and Ctrl-C into exits with codes 143 and 130, so that an interrupted stage never looks
    finished. What follows the first one is ignored: the stage is on its way out.
    """
    global _received, _held
    _received, _held = None, False
    take_signals()


def take_signals() -> None:
    """The same again, after a library has put its own handlers in place."""
    for signum in (signal.SIGTERM, signal.SIGINT):
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
