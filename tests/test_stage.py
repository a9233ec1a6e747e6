"""How a stage ends that cannot go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.program import stage
from stages.program.stage import Stage


def refuse() -> None:
    raise ValueError("a: expected b; write b")


def slip() -> None:
    """As in somebody's own encoder that returns three things."""
    _, _ = (1, 2, 3)  # type: ignore[misc]


@pytest.mark.parametrize(("run", "is_traced"), [(refuse, False), (slip, True)])
def test_what_is_said_to_the_user_has_no_traceback_and_a_slip_in_the_code_has_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Callable[[], None],
    is_traced: bool,
) -> None:
    def run_alone(_: Stage, work: Any, path: Path) -> None:
        work()

    monkeypatch.setattr(stage, "PACKAGE", Path(__file__).parent)
    monkeypatch.setattr(Stage, "run", run_alone)
    with pytest.raises(SystemExit, match=r"^train: (a: expected b; write b|too many values)"):
        Stage("train", (), lambda _: []).start(run, Path("params.yaml"))  # type: ignore[arg-type]
    assert ("in slip" in capsys.readouterr().err) == is_traced
