"""A thread that says that a worker is alive, and notices when its event loop is not."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from holdfast._core.sites import site_of
from holdfast._masking import logger
from holdfast._troubles import BEATS, Troubles
from holdfast.errors import StoreError

log = logger("holdfast.worker")

_BLOCKED_AFTER = 1.0


class Watchdog:
    """Call `beat(loop_age_ms, stack)` every `interval` seconds from a thread of its own.

    The thread keeps leases alive while the loop is blocked: the work is still running, and taking it away would only
    run it twice. `stack` is the line at which the loop hangs, or None.
    """

    def __init__(
        self, beat: Callable[[int, str | None], None], *, interval: float, troubles: Troubles
    ) -> None:
        self._beat = beat
        self._troubles = troubles
        self._interval = interval
        self._ended = False
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop_thread = 0
        self._ticked = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the loop of the calling thread."""
        self._loop_thread = threading.get_ident()
        self._ticked = time.monotonic()
        self._thread = threading.Thread(
            target=self._watch, args=(loop,), name="holdfast-watchdog", daemon=True
        )
        self._thread.start()

    def pace(self, interval: float) -> None:
        """Beat every `interval` seconds from now on; a shorter one than before begins with a beat at once."""
        shorter = interval < self._interval
        self._interval = interval
        if shorter:
            self._woken.set()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._ended = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._ended:
            try:
                loop.call_soon_threadsafe(self._tick)
            except RuntimeError:
                return  # the loop was closed: the process is ending
            began = time.monotonic()
            self._woken.wait(self._interval)
            self._woken.clear()
            age = began - self._ticked
            try:
                self._beat(
                    max(0, round(age * 1000)), self._stack() if age > _BLOCKED_AFTER else None
                )
            except StoreError as error:
                self._troubles.met(BEATS, error)
            except Exception as error:  # noqa: BLE001 - the leases of a worker must not end with one failed beat
                log.warning(
                    "heartbeat not written, trying again in %.1f s: %s", self._interval, error
                )
            else:
                self._troubles.over(BEATS)

    def _tick(self) -> None:
        self._ticked = time.monotonic()

    def _stack(self) -> str | None:
        frame: FrameType | None = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the only way to see another thread's stack
        while frame is not None:
            site = site_of(frame)
            if site:
                return site
            frame = frame.f_back
        return None
