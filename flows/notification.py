"""Notify users of the result of a scheduled run, or that none starts, if the environment sets an address.

EARSHOT_WEBHOOK_URL takes a POST of {"text": ...}, as Slack, Mattermost and Teams do.
EARSHOT_NOTIFICATION_BLOCK is a Prefect notification block, for instance slack-webhook/NAME.
"""

import os
from typing import Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger


def notify(text: str) -> None:
    """Send the text, inside or outside a run. A failure is logged as a warning without the address, which
    is a secret.
    """
    for name, send in (("EARSHOT_WEBHOOK_URL", _post), ("EARSHOT_NOTIFICATION_BLOCK", _through_block)):
        if value := os.environ.get(name):
            try:
                send(value, text)
            except Exception as error:  # noqa: BLE001 - a notification must not fail the run
                _logger().warning("%s: no notification was sent: %s", name, type(error).__name__)


def _logger() -> Any:
    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger("flows")


def _post(url: str, text: str) -> None:
    import httpx

    httpx.post(url, json={"text": text}, timeout=10).raise_for_status()


def _through_block(slug: str, text: str) -> None:
    from prefect.blocks.core import Block

    block: Any = Block.load(slug)
    block.notify(text)
