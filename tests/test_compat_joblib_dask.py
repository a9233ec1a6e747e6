"""A job that Dask gives up ends with an error."""

from concurrent.futures import Future
from typing import Any

import pytest
from joblib._dask import DaskDistributedBackend

from stages.compat.joblib_dask import DaskBackend


class Silent(DaskDistributedBackend):
    """Never calls back."""

    job: Future[Any] = Future()

    def __init__(self, **_: Any) -> None: ...

    def submit(self, func: Any, callback: Any = None) -> Future[Any]:
        return self.job


def test_a_job_that_was_given_up_calls_back_with_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DaskDistributedBackend, "__init__", Silent.__init__)
    monkeypatch.setattr(DaskDistributedBackend, "submit", Silent.submit)
    monkeypatch.setattr(DaskBackend, "job", Silent.job, raising=False)
    heard: list[Any] = []
    backend = DaskBackend(lost=lambda error: ValueError(f"given up: {error}"))
    backend.submit(print, heard.append)
    Silent.job.set_exception(RuntimeError("workers were killed"))
    (error,) = heard
    assert isinstance(error, ValueError)
    assert str(error) == "given up: workers were killed"
