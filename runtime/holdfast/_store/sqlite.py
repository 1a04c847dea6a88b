"""SQLite: one file, one writer at a time, readers beside it."""

import contextlib
import sqlite3
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from holdfast._store import turnstile
from holdfast._store.backend import News, Work
from holdfast._store.instants import now_ms
from holdfast._store.schema import prepare
from holdfast.errors import DatabaseCorruptError, DatabaseUnavailableError, StoreError

R = TypeVar("R")

IN_MEMORY = frozenset({"sqlite://", "sqlite:///:memory:"})
_BUSY_MS = 15_000


class SqliteBackend:
    """Keep one connection that writes and one that reads; in memory, one for both."""

    writers = 1
    locks_rows = False
    pushes = False
    connections = 3  # one that writes, one that reads, one that watches

    def __init__(self, url: str) -> None:
        self.place = url.removeprefix("sqlite:///")
        self.shares_thread = url in IN_MEMORY
        self._url = url
        self._writer = _engine(url, begin="BEGIN IMMEDIATE")
        self._reader = self._writer if self.shares_thread else _engine(url, begin="BEGIN")
        self._turns = (
            turnstile.NoTurnstile()
            if self.shares_thread
            else turnstile.of(self.place, patience=_BUSY_MS / 1000)
        )
        self._watch: sqlite3.Connection | None = None  # only of the read thread; see `changes`
        self._file: tuple[int, int] | None = None

    def prepare(self, *, as_it_is: bool = False) -> None:
        """Create or upgrade the tables."""
        if not as_it_is:
            with _clear_errors(self.place), self._writer.begin() as conn:
                prepare(conn, self.place)
        self._file = None if self.shares_thread else _file_at(self.place)

    def write(self, work: Work[R]) -> R:
        """Do some work in a write transaction, in turn with those of other processes."""
        self._same_file()
        with _clear_errors(self.place), self._turns.turn(), self._writer.begin() as conn:
            return work(conn, News())

    def read(self, work: Work[R]) -> R:
        """Do some work in a read transaction."""
        self._same_file()
        with _clear_errors(self.place), self._reader.begin() as conn:
            return work(conn, News())

    def now(self, conn: Connection) -> int:
        """Return the time of SQLite in milliseconds."""
        return now_ms(conn)

    def changes(self) -> Hashable:
        """Return what differs from before when any process may have committed something since."""
        self._same_file()
        with _clear_errors(self.place):
            if self._file is None:  # in memory, where one connection makes every change
                with contextlib.closing(self._writer.raw_connection()) as only:
                    total: int = only.driver_connection.total_changes  # type: ignore[union-attr]
                    return total
            if self._watch is None:
                # A connection that never writes: SQLite tells it of the commits of all others, ours included.
                self._watch = sqlite3.connect(
                    self.place,
                    timeout=_BUSY_MS / 1000,
                    isolation_level=None,
                    check_same_thread=False,
                )
            # All rows are fetched, because an unfinished statement would hold up checkpoints.
            version: Hashable = self._watch.execute("PRAGMA data_version").fetchall()[0][0]
            return version

    def listen(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Do nothing: a file tells nobody of its changes, and asking it costs next to nothing."""
        return lambda: None

    def _same_file(self) -> None:
        if self._file is not None and _file_at(self.place) != self._file:
            # SQLite would go on with the file that is gone, and what it acknowledges would be lost with it.
            raise DatabaseUnavailableError(
                f"{self.place} was removed or replaced while it was open. Nothing was written; "
                "bring the file back, or start this process again to use the new one."
            )

    def hears(self) -> bool | None:
        """Return None: processes that share a file tell one another nothing."""
        return None

    def close(self) -> None:
        """Close every connection."""
        self._writer.dispose()
        self._reader.dispose()
        self._turns.close()
        if self._watch is not None:
            self._watch.close()


def _file_at(place: str) -> tuple[int, int]:
    try:
        found = Path(place).stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _engine(url: str, *, begin: str) -> Engine:
    engine = create_engine(
        url
        if url in IN_MEMORY
        else URL.create("sqlite", database=url.removeprefix("sqlite:///")),  # a path may have a ?
        poolclass=StaticPool,  # one connection for the one thread that uses the engine
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
        hide_parameters=True,  # they hold payloads, and errors go to logs
    )

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not where sqlite3 guesses
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextlib.contextmanager
def _clear_errors(place: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _clear(str(error.orig), place) from error
    except sqlite3.Error as error:
        raise _clear(str(error), place) from error
    except TimeoutError as error:
        raise _clear("the database is locked", place) from error


_CAUSES: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (("not a database", "malformed", "disk image"), DatabaseCorruptError, (
     "{place} is not a usable database: {cause}. It may be damaged, or another kind of file. Nothing was changed; restore "
     "it from a copy, or give another --db."
    )),
    (("is full",), DatabaseUnavailableError, (
     "{place} cannot be written: {cause}. Nothing of this was kept, and nothing is damaged. Make room on its disk, or archive "
     "closed runs with `holdfast archive`; workers go on by themselves."
    )),
    (("I/O error",), DatabaseUnavailableError, (
     "{place} cannot be written or read: {cause}. Nothing of this was acknowledged. Look at the room on its disk, at "
     "quotas and limits on the size of files, and at the system's log; workers go on by themselves."
    )),
    (("unable to open",), DatabaseUnavailableError, (
     "{place} cannot be opened: {cause}. Check that its folder exists and that you may write there."
    )),
    (("readonly",), DatabaseUnavailableError, (
     "{place} is read-only: {cause}. Check the file's and the folder's permissions."
    )),
    (("locked",), DatabaseUnavailableError, (
     f"{{place}} was locked by another process for more than {_BUSY_MS // 1000} s. "
     "Look for a long transaction, a copy that is running, or a process that was stopped, which `holdfast doctor` names, and "
     "try again; nothing was changed."
    )),
)  # fmt: skip


def _clear(cause: str, place: str) -> StoreError:
    for words, kind, message in _CAUSES:
        if any(word in cause for word in words):
            return kind(message.format(place=place, cause=cause))
    return StoreError(f"{place}: {cause}")
