"""A flow started from a terminal: its exit code, and an end even when its server has gone."""

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import httpx
from prefect import Flow, State
from prefect.settings import PREFECT_API_URL

from flows import own_server
from flows.dvc_command import exit_as_on_ctrl_c


def run(
    flow: Flow[..., State], *arguments: Any, lost: Callable[[str], None] | None = None, **parameters: Any
) -> NoReturn:
    """Run a flow and exit: 0 when it completed, 1 otherwise, 130 after Ctrl-C.

    ``lost`` is told why a run did not begin, or lost its server: nothing else keeps that.
    """
    exit_as_on_ctrl_c()
    try:
        with own_server.running():
            state = flow(*arguments, **parameters, return_state=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except own_server.NoServer as error:
        _exit(str(error), lost)
    except RuntimeError as error:
        if not str(error).startswith("Failed to reach API"):
            raise
        _exit(f"{error} (PREFECT_API_URL)", lost)
    except httpx.TransportError as error:
        _exit(
            f"the Prefect server at {PREFECT_API_URL.value()} cannot be reached any more ({error}): it does"
            " not know how this run ended; what the run's stages made is kept",
            lost,
        )
    sys.exit(0 if state.is_completed() else 1)


def _exit(why: str, lost: Callable[[str], None] | None) -> NoReturn:
    """At once: at a normal exit Prefect tries for minutes to send what it still has."""
    if lost:
        lost(why)
    print(why, file=sys.stderr, flush=True)
    os._exit(1)
