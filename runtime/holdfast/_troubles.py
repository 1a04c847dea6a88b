"""Saying once that the database cannot be used, and once that it can be again."""

import threading
import time
from collections.abc import Hashable

from holdfast._masking import logger

log = logger("holdfast.worker")

RUNS, BEATS = "runs", "beats"
_QUIET = 60.0  # seconds without trouble that are as good as a proof


class Troubles:
    """Keep what a worker could not write, so that a full disk does not fill a log, too.

    What has failed must succeed before it is over: on a full disk, what is short may still fit.
    """

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._unwritten: set[Hashable] = set()
        self._met_at = 0.0
        self._lock = threading.Lock()  # the watchdog's thread speaks here, too

    def met(self, what: Hashable, error: Exception) -> None:
        """Say what is wrong, unless it has been said since the database could be used last."""
        text = str(error)
        with self._lock:
            news = text not in self._said
            self._said.add(text)
            self._unwritten.add(what)
            self._met_at = time.monotonic()
        if news:
            log.warning(
                "the database cannot be used; this worker holds, and goes on by itself: %s", text
            )

    def over(self, what: Hashable) -> None:
        """Note that something was written; say so when it was the last of what could not be."""
        with self._lock:
            self._unwritten.discard(what)
            over = bool(self._said) and not self._unwritten
            if over:
                self._said = set()
        if over:
            log.warning("the database can be used again")

    def quiet(self) -> None:
        """Note that nothing went wrong just now; after a while, there is no run left that could not be advanced."""
        if RUNS in self._unwritten and time.monotonic() - self._met_at > _QUIET:
            self.over(RUNS)
