"""A flow started from a terminal: its exit code, and an end even when its server has gone."""

import os
import sys
from typing import Any, NoReturn

import httpx
from prefect import Flow, State
from prefect.settings import PREFECT_API_URL

from flows import own_server
from flows.dvc_command import exit_on_signals


def run(flow: Flow[..., State], *arguments: Any, **parameters: Any) -> NoReturn:
    """Run a flow and exit: 0 when it completed, 1 otherwise, 130 after Ctrl-C."""
    exit_on_signals()
    try:
        with own_server.running():
            state = flow(*arguments, **parameters, return_state=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except own_server.NoServer as error:
        sys.exit(str(error))
    except RuntimeError as error:
        if not str(error).startswith("Failed to reach API"):
            raise
        sys.exit(f"{error} (PREFECT_API_URL)")
    except httpx.TransportError as error:
        print(
            f"the Prefect server at {PREFECT_API_URL.value()} cannot be reached any more ({error}): it does"
            " not know how this run ended; what the run's stages made is kept",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)  # at a normal exit Prefect tries for minutes to send what it still has
    sys.exit(0 if state.is_completed() else 1)
