"""Run a flow from a terminal, with an exit code, and end even if the server is gone."""

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
    """Run a flow and exit: 0 if it completed, 1 otherwise, 130 after Ctrl-C.

    ``lost`` is called with the reason if a run did not start or lost its server.
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
            " not know how this run ended; the outputs of the run's stages are kept",
            lost,
        )
    sys.exit(0 if state.is_completed() else 1)


def _exit(why: str, lost: Callable[[str], None] | None) -> NoReturn:
    """Exit immediately: at a normal exit Prefect tries for minutes to send queued data."""
    if lost:
        lost(why)
    print(why, file=sys.stderr, flush=True)
    os._exit(1)
