"""Jobs for test_jobs, whose worker processes import this module and nothing heavy with it."""

import os
import random
import signal
import threading
import time
from pathlib import Path


def threads_of_a_process(_: int) -> tuple[int, str | None]:
    return os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS")


def refuse_seven(number: int) -> int:
    if number == 7:
        raise ValueError("seven is not liked")
    return number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_with_its_parent_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return number


def draw_for_ten_seconds() -> None:
    def draw() -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            random.random()
            time.sleep(0.001)

    threading.Thread(target=draw, daemon=True).start()


def seed_and_draw(number: int) -> tuple[int, float]:
    random.seed(number)
    time.sleep(0.05)
    return number, random.random()


def say_who_and_wait(name: Path) -> None:
    partial = name.with_suffix(".partial")
    partial.write_text(str(os.getpid()))
    partial.rename(name)
    time.sleep(60)
