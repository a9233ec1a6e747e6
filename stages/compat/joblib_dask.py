"""joblib's backend waits forever for a job that Dask gives up because its workers were killed."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib._dask import DaskDistributedBackend

SEEN_WITH = {"joblib": ("1.6",), "distributed": ("2026.8",)}


class DaskBackend(DaskDistributedBackend):
    """Ends a job that Dask gives up with the error that ``lost`` makes from the reason."""

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
