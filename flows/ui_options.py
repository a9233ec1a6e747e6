"""Options of ``make ui``, for both of its programs; fast to import."""

import argparse

WATCH_SECONDS = 60.0


def parser(program: str, text: str | None) -> argparse.ArgumentParser:
    """The argument parser of a program that serves the flows."""
    made = argparse.ArgumentParser(
        prog=program, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--cron",
        help='when to retrain; by default what was set last, here or in the UI; initially "0 3 * * *", every'
        " night at three",
    )
    made.add_argument(
        "--timezone", help="time zone of --cron, for instance Europe/Berlin; by default that of this machine"
    )
    made.add_argument(
        "--alarm-hours",
        type=float,
        help="notify after this time without a completed retraining; by default one and a half periods of its"
        " schedule",
    )
    made.add_argument(
        "--watch-seconds",
        type=float,
        default=WATCH_SECONDS,
        help="how often to check that scheduled runs take place",
    )
    return made


def arguments(given: argparse.Namespace) -> list[str]:
    """The options as arguments for the other program."""
    names = ("cron", "timezone", "alarm_hours", "watch_seconds")
    chosen = {name: getattr(given, name) for name in names}
    return [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items() if value is not None]
