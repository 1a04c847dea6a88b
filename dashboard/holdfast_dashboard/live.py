"""The doorbell: one watcher notices commits of other processes, and every open page hears that it should look again."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from holdfast_dashboard.settings import database_file

_LOOK = 0.2
_REST = 0.5  # between two rings, however many commits there are


class Changes:
    """Count the commits of other connections to a SQLite file; the count is None where nothing can tell."""

    def __init__(self, url: str) -> None:
        self._file = database_file(url)
        self._connection: sqlite3.Connection | None = None

    def count(self) -> int | None:
        """Return a number that changes whenever another connection commits."""
        if self._file is None:
            return None
        try:
            if self._connection is None:
                self._connection = _read_only(self._file)
            found: tuple[int] = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # the pages report a broken database; the doorbell only goes quiet
            self.close()
            return None
        return found[0]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _read_only(file: Path) -> sqlite3.Connection:
    place = f"file:{quote(str(file.resolve()))}?mode=ro"
    connection = sqlite3.connect(place, uri=True, check_same_thread=False, timeout=0.1)
    connection.execute("PRAGMA query_only=ON")
    return connection


class Bell:
    """Ring when something has changed. `rung` counts the rings, so that a page can tell whether it missed one."""

    def __init__(self, changes: Changes) -> None:
        self.rung = 0
        self.closed = False
        self._changes = changes
        self._next = asyncio.Event()

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        known = self._changes.count()
        while True:
            await asyncio.sleep(_LOOK)
            found = self._changes.count()
            if found != known:
                known = found
                self.ring()
                await asyncio.sleep(_REST)

    def ring(self) -> None:
        """Tell every listener that something has changed."""
        self.rung += 1
        heard, self._next = self._next, asyncio.Event()
        heard.set()

    def close(self) -> None:
        """End every `listen`, so that a server can stop while pages are open."""
        self.closed = True
        self.ring()

    async def listen(self, since: int) -> AsyncIterator[int]:
        """Yield the number of rings whenever it is not `since`, or no longer what was yielded last."""
        seen = since
        while not self.closed:
            heard = self._next
            if seen == self.rung:
                await heard.wait()
                continue
            seen = self.rung
            yield seen

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch as long as the context lasts."""
        task = asyncio.create_task(self.watch(), name="holdfast dashboard: watch for changes")
        try:
            yield
        finally:
            self.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._changes.close()
