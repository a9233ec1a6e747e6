"""Where Dask gives up a job, because its workers were killed, joblib's backend waits for ever."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib._dask import DaskDistributedBackend

SEEN_WITH = {"joblib": ("1.6",), "distributed": ("2026.8",)}


class DaskBackend(DaskDistributedBackend):
    """A job that Dask gives up ends with the error that ``lost`` makes of the reason."""

    def __init__(self, *, lost: Callable[[BaseException], Exception], **settings: Any) -> None:
        super().__init__(**settings)
        self.lost = lost

    def submit(self, func: Any, callback: Any = None) -> Any:
        def tell(done: Future[Any]) -> None:
            if (error := done.exception()) is not None:
                callback(self.lost(error))

        future = super().submit(func, callback)
        future.add_done_callback(tell)
        return future
