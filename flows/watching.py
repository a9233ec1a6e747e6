"""Watch whether scheduled runs take place while make ui serves, and notify if they do not."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient

from flows import troubles
from flows.crashed import end_crashed
from flows.notification import notify
from flows.retraining_schedule import active
from flows.served_runs import RETRAINING, deployments

LONG_AGO = datetime.fromtimestamp(0, UTC)


def say(text: str) -> None:
    """Print a text and send it as a notification."""
    print(f"{datetime.now():%H:%M} {text}", flush=True)
    notify(f"Earshot: {text}")


class Told:
    """Reports each problem once, and again when it is over.

    A problem that is seen only once does not count: the server may still be working on it.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.seen: set[str] = set()
        self.told: dict[str, str] = {}

    def update(self, found: dict[str, str]) -> None:
        """``found``: the current problems by subject."""
        for about in sorted(self.told.keys() - found.keys()):
            self.tell(f"over: {self.told.pop(about)}")
        for about in sorted((found.keys() & self.seen) - self.told.keys()):
            self.told[about] = found[about]
            self.tell(found[about])
        self.seen = set(found)


class Watch:
    """``alarm_hours`` None: one and a half periods of the schedule."""

    def __init__(self, alarm_hours: float | None, every_seconds: float) -> None:
        self.alarm_hours = alarm_hours
        self.every_seconds = every_seconds
        self.told = Told(say)
        self.idle_until = LONG_AGO  # retraining was paused

    def run(self) -> None:
        """Check repeatedly until the process ends."""
        while True:
            time.sleep(self.every_seconds)
            try:
                with get_client(sync_client=True) as client:
                    found = self.look(client, datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - any error stops the watch
                about = f"cannot check the scheduled runs: {type(error).__name__}: {error}"
                found = {**self.told.told, "server": about}
            self.told.update(found)

    def look(self, client: SyncPrefectClient, now: datetime) -> dict[str, str]:
        """End crashed runs and return the problems by subject."""
        for line in end_crashed(client):
            say(line)
        found: dict[str, str | None] = {}
        served = deployments(client)
        for name, deployment in served.items():
            found[f"{name} planned"] = troubles.not_planned(client, deployment, now)
            found[f"{name} started"] = troubles.not_started(client, deployment, now)
        if retraining := served.get(RETRAINING):
            if not active(retraining):
                self.idle_until = now
            found["retraining"] = troubles.not_ended(
                client, retraining, now, self.idle_until, self.alarm_hours
            )
        return {about: text for about, text in found.items() if text}
