"""What ``make ui`` can be told; light, as both of its programs ask for it."""

import argparse

WATCH_SECONDS = 60.0


def parser(program: str, text: str | None) -> argparse.ArgumentParser:
    """Of a program that serves the flows."""
    made = argparse.ArgumentParser(
        prog=program, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--cron",
        help='when to retrain; at first "0 3 * * *", every night at three, later what was set last, in the UI'
        " or so",
    )
    made.add_argument(
        "--timezone", help="of --cron, Europe/Berlin for instance; by default this machine's own time zone"
    )
    made.add_argument(
        "--alarm-hours",
        type=float,
        help="after how long without a completed retraining to say so; by default one and a half periods of"
        " its schedule",
    )
    made.add_argument(
        "--watch-seconds",
        type=float,
        default=WATCH_SECONDS,
        help="how often to look whether scheduled runs take place",
    )
    return made


def arguments(given: argparse.Namespace) -> list[str]:
    """The options once more, for the other program."""
    names = ("cron", "timezone", "alarm_hours", "watch_seconds")
    chosen = {name: getattr(given, name) for name in names}
    return [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items() if value is not None]
