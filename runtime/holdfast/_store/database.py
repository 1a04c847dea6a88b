"""Opening a database, and the one place through which every transaction goes."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from holdfast._store import postgres, sqlite
from holdfast._store.backend import Backend, News
from holdfast.clock import VirtualClock
from holdfast.errors import DatabaseUnavailableError
from holdfast.payloads import Chain

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tx:
    """Be one open transaction, and its time by the database's clock in milliseconds.

    `locks` says that it writes beside others: then a verb locks the run that it changes before it looks at it.
    """

    conn: Connection
    now: int
    chain: Chain = field(default_factory=Chain)
    locks: bool = False
    news: News = field(default_factory=News)

    def hush(self) -> None:
        """Say that this transaction makes no work: workers at rest need not hear of it, unless one said `tell`."""
        self.news.any = self.news.wanted

    def tell(self) -> None:
        """Say that workers have passed over what this transaction holds, and look again when it commits."""
        self.news.wanted = True

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
    """Run verbs, each in one transaction, on threads of its own so that an event loop never waits for a disk.

    A verb may be run more than once before it is committed, so it changes nothing but the database. `as_it_is` opens a
    database whatever its schema is, for those who look at it or upgrade it.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: VirtualClock | None = None,
        chain: Chain | None = None,
        as_it_is: bool = False,
    ) -> None:
        self.url = url
        self.chain = chain or Chain()
        self._clock = clock
        self._backend = _backend(url)
        self._write_threads = ThreadPoolExecutor(
            self._backend.writers, thread_name_prefix="holdfast-write"
        )
        self._read_threads = (
            self._write_threads
            if self._backend.shares_thread
            else ThreadPoolExecutor(1, thread_name_prefix="holdfast-read")
        )
        self._closed = False
        try:
            self._backend.prepare(as_it_is=as_it_is)
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """Return what people call it: a path, or a URL without its password."""
        return self._backend.place

    @property
    def virtual(self) -> bool:
        """Tell whether only a test moves the time."""
        return self._clock is not None

    @property
    def connections(self) -> int:
        """Return how many connections a process opens at most."""
        return self._backend.connections

    def hears(self) -> bool | None:
        """Tell whether what one connection tells another arrives; None for a file."""
        return self._backend.hears()

    def write_now(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a write transaction, on the calling thread."""
        return self._backend.write(
            lambda conn, news: verb(self._tx(conn, news, write=True), *args, **kwargs)
        )

    def read_now(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a read transaction, on the calling thread."""
        return self._backend.read(
            lambda conn, news: verb(self._tx(conn, news, write=False), *args, **kwargs)
        )

    def write_from_thread(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a write transaction from a thread that has no event loop, in turn with the others."""
        return self._write_threads.submit(lambda: self.write_now(verb, *args, **kwargs)).result()

    def read_from_thread(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a read transaction from a thread that has no event loop, in turn with the others."""
        return self._read_threads.submit(lambda: self.read_now(verb, *args, **kwargs)).result()

    async def write(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a write transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._write_threads, lambda: self.write_now(verb, *args, **kwargs)
        )

    async def read(
        self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a verb in a read transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._read_threads, lambda: self.read_now(verb, *args, **kwargs)
        )

    async def changes(self) -> Hashable:
        """Return what differs from before when anything may have been committed since, by whichever process.

        It is far cheaper than a transaction. Moving a virtual clock counts as a change; the passing of time does not.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_threads, self._changes)

    def _changes(self) -> Hashable:
        moved = None if self._clock is None else self._clock.now_ms
        return self._backend.changes(), moved

    def listen(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Call `ring`, from any thread, when something was committed, where the database can tell; return what ends it."""
        return self._backend.listen(ring)

    @property
    def pushes(self) -> bool:
        """Tell whether who listens misses nothing at this time, and need not ask for `changes` again and again."""
        return self._clock is None and self._backend.pushes

    def _tx(self, conn: Connection, news: News, *, write: bool) -> Tx:
        now = self._backend.now(conn) if self._clock is None else self._clock.now_ms
        locks = write and self._backend.locks_rows
        return Tx(conn=conn, now=now, chain=self.chain, locks=locks, news=news)

    def close(self) -> None:
        """Close every connection; call it once nothing uses the database any more."""
        if self._closed:
            return
        self._closed = True
        self._write_threads.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self._backend.close()


def _backend(url: str) -> Backend:
    if url.startswith(postgres.SCHEMES):
        return postgres.PostgresBackend(url)
    return sqlite.SqliteBackend(url)


def database_url(given: str | Path | None) -> str:
    """Return the URL of a database from a path or URL, or raise `DatabaseUnavailableError`."""
    place = str(given) if given is not None else "holdfast.db"
    if place in sqlite.IN_MEMORY or place.startswith(postgres.SCHEMES):
        return place
    if "://" in place and not place.startswith("sqlite:///"):
        scheme = place.split("://", maxsplit=1)[0]
        raise DatabaseUnavailableError(
            f"{scheme}:// is not supported. Give a path, sqlite:///path/to/file.db, or "
            "postgresql://user:password@host:5432/database."
        )
    # Absolute, because connections are opened one by one and the process may change its folder in between.
    return f"sqlite:///{Path(place.removeprefix('sqlite:///')).absolute()}"
