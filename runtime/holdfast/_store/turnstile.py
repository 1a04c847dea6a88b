"""Turns for the processes that write to one SQLite file.

SQLite lets waiting writers poll, so that one which writes in a loop starves the others for seconds. The kernel's own
file locks queue them; they end with the process that holds them, however it ends.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Protocol

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has none: SQLite's own waiting must do there
    fcntl = None


class Turnstile(Protocol):
    """Let one process at a time through."""

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Wait for a turn, and have it until the context ends."""

    def close(self) -> None:
        """Give up what it holds open."""


class NoTurnstile:
    """Let everybody through at once."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Begin at once."""
        yield

    def close(self) -> None:
        """Do nothing."""


class _FileTurnstile:
    """Queue at a lock on a file beside the database.

    It is a file of its own: SQLite uses locks on the database itself, and closing any handle of that would drop them.
    """

    def __init__(self, path: Path, locks: ModuleType, patience: float) -> None:
        self._path = path
        self._locks = locks
        self._patience = patience
        self._file: int | None = None
        # The kernel's queue cannot be left when patience ends, so a thread of its own stands in it; set: it has a turn.
        self._queueing: threading.Event | None = None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn in the order in which processes asked, or raise `TimeoutError`."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError:
                yield  # a folder where nothing can be made: the database says so itself when it is written to
                return
        self._enter(self._file)
        try:
            yield
        finally:
            self._locks.flock(self._file, self._locks.LOCK_UN)

    def _enter(self, file: int) -> None:
        if self._queueing is None:
            with contextlib.suppress(BlockingIOError):
                self._locks.flock(file, self._locks.LOCK_EX | self._locks.LOCK_NB)
                return
            self._queueing = threading.Event()
            threading.Thread(
                target=self._stand, args=(file, self._queueing), name="holdfast-turn", daemon=True
            ).start()
        if not self._queueing.wait(self._patience):
            raise TimeoutError  # the place in the queue is kept for the next try
        self._queueing = None

    def _stand(self, file: int, turn: threading.Event) -> None:
        self._locks.flock(file, self._locks.LOCK_EX)
        turn.set()

    def close(self) -> None:
        """Close the file; it stays, because another process may queue at it."""
        if self._file is not None and self._queueing is None:
            os.close(self._file)
            self._file = None  # one that a thread still queues at ends with the process


def of(place: str, *, patience: float) -> Turnstile:
    """Return the turnstile of a database file; `patience` is how many seconds a turn is waited for at most."""
    if fcntl is None:
        return NoTurnstile()
    return _FileTurnstile(Path(f"{place}-turn"), fcntl, patience)
