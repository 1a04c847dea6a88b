"""Opening a database, and the one place through which every transaction goes."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from holdfast._store.schema import prepare
from holdfast.clock import VirtualClock
from holdfast.errors import DatabaseCorruptError, DatabaseUnavailableError, StoreError
from holdfast.payloads import Chain

P = ParamSpec("P")
R = TypeVar("R")

_BUSY_MS = 15_000
_IN_MEMORY = frozenset({"sqlite://", "sqlite:///:memory:"})
_NOW = {
    "sqlite": text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"),
    "postgresql": text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tx:
    """Be one open transaction, and its time by the database's clock in milliseconds."""

    conn: Connection
    now: int
    chain: Chain = field(default_factory=Chain)

    def pack(self, tree: Any, column: str, run_id: str, row: int | str | None = None) -> bytes:
        """Return a payload as stored bytes, sealed for its place: `table.column`, the run and the row's number."""
        return self.chain.pack(tree, *_place(column, run_id, row))

    def unpack(self, data: bytes, column: str, run_id: str, row: int | str | None = None) -> Any:
        """Return the payload of stored bytes, or raise `PayloadError`; the place is that of `pack`."""
        return self.chain.unpack(data, *_place(column, run_id, row))

    def show(
        self, data: bytes | None, column: str, run_id: str, row: int | str | None = None
    ) -> Any:
        """Return a payload for people to see: a text in its place when it cannot be read here."""
        return self.chain.show(data, *_place(column, run_id, row))

    def pack_text(
        self, text: str | None, column: str, run_id: str, row: int | str | None = None
    ) -> str | None:
        """Return a text of a user as it is stored in a column that holds text."""
        sealed: str | None = self.chain.pack_text(text, *_place(column, run_id, row))
        return sealed

    def unpack_text(
        self, text: str | None, column: str, run_id: str, row: int | str | None = None
    ) -> Any:
        """Return a text that was stored by `pack_text`, or raise `PayloadError`."""
        return self.chain.unpack_text(text, *_place(column, run_id, row))

    def show_text(
        self, text: str | None, column: str, run_id: str, row: int | str | None = None
    ) -> Any:
        """Return a text for people to see: another one in its place when it cannot be read here."""
        return self.chain.show_text(text, *_place(column, run_id, row))


def _place(column: str, run_id: str, row: int | str | None) -> tuple[str | int, ...]:
    return (column, run_id) if row is None else (column, run_id, row)


class Database:
    """Run verbs, each in one transaction, on threads of its own so that an event loop never waits for a disk."""

    def __init__(
        self, url: str, *, clock: VirtualClock | None = None, chain: Chain | None = None
    ) -> None:
        self.url = url
        self.chain = chain or Chain()
        self._clock = clock
        memory = url in _IN_MEMORY
        self._writer = _engine(url, begin="BEGIN IMMEDIATE")
        self._reader = self._writer if memory else _engine(url, begin="BEGIN")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="holdfast-write")
        self._read_thread = (
            self._write_thread
            if memory
            else ThreadPoolExecutor(1, thread_name_prefix="holdfast-read")
        )
        self._watch: sqlite3.Connection | None = None  # only of the read thread; see `changes`
        self._closed = False
        self._file: tuple[int, int] | None = None
        try:
            with _clear_errors(url):
                prepare(self._writer, url)
            self._file = None if memory else _file_at(url)
        except BaseException:
            self.close()
            raise

    def write_now(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a write transaction, on the calling thread."""
        return self._run(self._writer, verb, *args, **kwargs)

    def read_now(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a read transaction, on the calling thread."""
        return self._run(self._reader, verb, *args, **kwargs)

    def write_from_thread(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a write transaction from a thread that has no event loop, in turn with the others."""
        return self._write_thread.submit(lambda: self.write_now(verb, *args, **kwargs)).result()

    async def write(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a write transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._write_thread, lambda: self.write_now(verb, *args, **kwargs)
        )

    async def read(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a read transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._read_thread, lambda: self.read_now(verb, *args, **kwargs)
        )

    async def changes(self) -> Hashable:
        """Return what differs from before when anything may have been committed since, by whichever process.

        It is far cheaper than a transaction. Moving a virtual clock counts as a change; the passing of time does not.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_thread, self._changes)

    def _changes(self) -> Hashable:
        self._same_file()
        moved = None if self._clock is None else self._clock.now_ms
        with _clear_errors(self.url):
            if self._file is None:  # in memory, where one connection makes every change
                with contextlib.closing(self._writer.raw_connection()) as only:
                    return only.driver_connection.total_changes, moved  # type: ignore[union-attr]
            if self._watch is None:
                # A connection that never writes: SQLite tells it of the commits of all others, ours included.
                place = self.url.removeprefix("sqlite:///")
                self._watch = sqlite3.connect(
                    place, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
                )
            # All rows are fetched, because an unfinished statement would hold up checkpoints.
            return self._watch.execute("PRAGMA data_version").fetchall()[0][0], moved

    def _run(
        self,
        engine: Engine,
        verb: Callable[Concatenate[Tx, P], R],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        self._same_file()
        with _clear_errors(self.url), engine.begin() as conn:
            return verb(Tx(conn=conn, now=self._now(conn), chain=self.chain), *args, **kwargs)

    def _same_file(self) -> None:
        if self._file is not None and _file_at(self.url) != self._file:
            # SQLite would go on with the file that is gone, and what it acknowledges would be lost with it.
            raise DatabaseUnavailableError(
                f"{self.url.removeprefix('sqlite:///')} was removed or replaced while it was open. Nothing was written; "
                "bring the file back, or start this process again to use the new one."
            )

    def _now(self, conn: Connection) -> int:
        if self._clock is not None:
            return self._clock.now_ms
        now: int = conn.execute(_NOW[conn.dialect.name]).scalar_one()
        return now

    def close(self) -> None:
        """Close every connection; call it once nothing uses the database any more."""
        if self._closed:
            return
        self._closed = True
        for thread, engine in (
            (self._write_thread, self._writer),
            (self._read_thread, self._reader),
        ):
            thread.shutdown(wait=True)
            engine.dispose()
        if self._watch is not None:
            self._watch.close()


def _file_at(url: str) -> tuple[int, int] | None:
    try:
        found = Path(url.removeprefix("sqlite:///")).stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _engine(url: str, *, begin: str) -> Engine:
    engine = create_engine(
        url
        if url in _IN_MEMORY
        else URL.create("sqlite", database=url.removeprefix("sqlite:///")),  # a path may have a ?
        poolclass=StaticPool,  # one connection for the one thread that uses the engine
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
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
def _clear_errors(url: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _clear(str(error.orig), url) from error
    except sqlite3.Error as error:
        raise _clear(str(error), url) from error


def _clear(cause: str, url: str) -> StoreError:
    place = url.removeprefix("sqlite:///")
    if "not a database" in cause or "malformed" in cause or "disk image" in cause:
        return DatabaseCorruptError(
            f"{place} is not a usable database: {cause}. It may be damaged, or another kind of file. "
            "Nothing was changed; restore it from a copy, or give another --db."
        )
    if "unable to open" in cause:
        return DatabaseUnavailableError(
            f"{place} cannot be opened: {cause}. Check that its folder exists and that you may write there."
        )
    if "readonly" in cause:
        return DatabaseUnavailableError(
            f"{place} is read-only: {cause}. Check the file's and the folder's permissions."
        )
    if "locked" in cause:
        return DatabaseUnavailableError(
            f"{place} was locked by another process for more than {_BUSY_MS // 1000} s. "
            "Look for a long transaction or a copy that is running, and try again."
        )
    return StoreError(f"{place}: {cause}")


def database_url(given: str | Path | None) -> str:
    """Return the SQLAlchemy URL of a path or URL, or raise `DatabaseUnavailableError`."""
    place = str(given) if given is not None else "holdfast.db"
    if place in _IN_MEMORY:
        return place
    if "://" in place and not place.startswith("sqlite:///"):
        scheme = place.split("://", maxsplit=1)[0]
        raise DatabaseUnavailableError(
            f"{scheme}:// is not supported by this release. Give a path, or sqlite:///path/to/file.db."
        )
    # Absolute, because connections are opened one by one and the process may change its folder in between.
    return f"sqlite:///{Path(place.removeprefix('sqlite:///')).absolute()}"
