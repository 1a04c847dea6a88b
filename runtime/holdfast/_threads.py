"""The threads in which `def` activities run."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Threads(ThreadPoolExecutor):
    """Know how many threads are busy: an attempt that timed out is over, and its thread is not."""

    def __init__(self, count: int) -> None:
        super().__init__(count, thread_name_prefix="holdfast-activity")
        self._unfinished: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    @property
    def busy(self) -> int:
        """Return how many functions run, or wait for a thread."""
        return len(self._unfinished)
