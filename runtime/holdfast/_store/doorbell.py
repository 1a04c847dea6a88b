"""Hear of commits: one connection that listens, on a thread of its own."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from holdfast._masking import logger

log = logger("holdfast.store")

_DEAF_LOOKS = 1.0  # seconds between two looks while the connection is gone
_RECONNECT = 1.0  # seconds


class Doorbell:
    """Count what is heard on a channel, and ring.

    While there is no connection, so that it does not `hear`, what `heard` returns changes once a second: then looking is all there is.
    """

    def __init__(self, connect: Callable[[], Any], channel: str, place: str) -> None:
        self._connect = connect
        self._channel = channel
        self._place = place
        self._rings: list[Callable[[], None]] = []
        self._count = 0
        self.hears = False
        self._closed = False
        self._pipe = os.pipe()
        self._thread = threading.Thread(target=self._run, name="holdfast-listen", daemon=True)
        self._thread.start()

    def heard(self) -> Hashable:
        """Return what differs from before when something may have been committed since."""
        if self.hears:
            return self._count
        return self._count, int(time.monotonic() / _DEAF_LOOKS)

    def listen(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Call `ring` from the thread for whatever is heard; return what ends that."""
        self._rings.append(ring)
        return lambda: self._rings.remove(ring)

    def close(self) -> None:
        """End the thread and its connection."""
        self._closed = True
        os.write(self._pipe[1], b".")
        self._thread.join()
        for end in self._pipe:
            os.close(end)

    def _run(self) -> None:
        while not self._closed:
            try:
                with contextlib.closing(self._connect()) as connection:
                    self._hear(connection)
            except Exception as error:  # noqa: BLE001 - whatever it was, it must be tried again; workers look meanwhile
                self._lost()
                log.warning("%s: no news of commits, looking every %g s: %s", self._place, _DEAF_LOOKS, error)  # fmt: skip
                select.select([self._pipe[0]], [], [], _RECONNECT)

    def _lost(self) -> None:
        if self.hears:
            self.hears = False
            self._ring()  # whoever waits to be rung has to look from now on

    def _hear(self, connection: Any) -> None:
        name = self._channel.replace('"', '""')
        connection.execute(f'LISTEN "{name}"')  # a name, which no parameter can stand for
        self._ring()  # whatever was committed before it could be heard
        self.hears = True
        driver = connection.pgconn
        while True:
            ready, _, _ = select.select([driver.socket, self._pipe[0]], [], [])
            if self._closed:
                return
            if ready:
                driver.consume_input()
                if self._drain(driver):
                    self._ring()

    def _drain(self, driver: Any) -> bool:
        heard = False
        while driver.notifies() is not None:
            heard = True
        return heard

    def _ring(self) -> None:
        self._count += 1
        for ring in list(self._rings):
            ring()
