"""Exit with an error code on signals, immediately or after a critical section."""

import signal
from types import FrameType

_received: int | None = None
_held = False


ENDING = (signal.SIGTERM, signal.SIGINT)


def exit_on_signals(*signums: signal.Signals) -> None:
    """Exit with code 128 + signal on one of these (default: SIGTERM and SIGINT), so that an interrupted
    program never looks finished. Ignored signals stay ignored, and so are all after the first.
    """
    global _received, _held
    _received, _held = None, False
    take_signals(*signums)


def take_signals(*signums: signal.Signals) -> None:
    """Set the handlers again, after a library has set its own."""
    for signum in signums or ENDING:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _leave)


def hold_exit() -> None:
    """Delay exits until ``release_exit``."""
    global _held
    _held = True


def release_exit() -> None:
    """Let signals end the process again. SystemExit if one arrived meanwhile, or was lost: Python drops
    exceptions raised in a finalizer.
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
