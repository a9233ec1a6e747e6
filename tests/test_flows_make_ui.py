"""The programs of make ui before they serve."""

import signal
import sys
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import deploy, serving


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restores signal handlers afterwards."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


def test_ctrl_c_ends_make_ui_that_a_script_began_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["make ui", "--cron", "every night"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with pytest.raises(SystemExit, match="every night"):
        deploy.main()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_no_server_answers_its_address_is_said_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:9/api"
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    monkeypatch.setattr(sys, "argv", ["serving"])
    with (
        temporary_settings({PREFECT_API_URL: address}),
        pytest.raises(SystemExit, match=f"no Prefect server answers at {address}, .* unset PREFECT_API_URL"),
    ):
        serving.main()
