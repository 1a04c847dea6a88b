"""Postgres: many writers at once, on many machines."""

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from holdfast._masking import logger
from holdfast._store.backend import News, Work
from holdfast._store.doorbell import Doorbell
from holdfast._store.instants import now_ms
from holdfast._store.postgres_errors import (
    LOCK_WAIT,
    code,
    failed,
    is_cut,
    refuse_old,
    unavailable,
    unreadable,
    without_quotes,
)
from holdfast._store.schema import prepare
from holdfast.errors import DatabaseUnavailableError

R = TypeVar("R")
log = logger("holdfast.store")

SCHEMES = ("postgresql://", "postgres://")
_WRITERS = 4
_READERS = 2
_MARK = text(
    "SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT) AS xid, pg_backend_pid() AS pid"
)
_MARK_AND_RING = text(
    "SELECT xid, pg_backend_pid() AS pid, CASE WHEN xid IS NULL THEN NULL ELSE CAST(pg_notify(:channel, '') AS TEXT) END "
    "FROM (SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT) AS xid) AS mark"
)
_OPENING = text("SELECT current_schema(), CAST(current_setting('server_version_num') AS integer)")
_STATUS = text("SELECT pg_xact_status(CAST(:xid AS xid8))")
_END_BACKEND = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid AND CAST(backend_xid AS TEXT) = :xid"
)

# Notes that go with a connection: whether its transaction has changed a row, and whether it had at each savepoint.
_CHANGED, _BEFORE = "holdfast_changed", "holdfast_changed_before"
_RETRIES = 8  # of a transaction that met another one, or lost its connection before its end
_RUN_AGAIN = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "23505",  # a unique key: what was looked for and missed has come meanwhile, the next look finds it
    }
)
_PAUSES = (0.0, 0.2, 1.0)  # seconds before a connection is tried again
_DOUBT_MAX = 20.0  # seconds to find out what became of a commit
_DOUBT_PATIENCE = 2.0  # seconds for the server itself to notice that its client is gone
_HEARING = 2.0  # seconds for a notification to arrive
_FUTURE = "is in the future"  # the new primary never had this transaction
# A process that hangs in the middle of a transaction must not hold runs for ever, nor those who wait for them.
_LIMITS = f"SELECT set_config('lock_timeout', '{LOCK_WAIT}', false), set_config('idle_in_transaction_session_timeout', '60s', false)"  # fmt: skip
_SETTINGS = {
    "application_name": "holdfast",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class PostgresBackend:
    """Keep a few connections that write, a few that read, and one that hears of commits."""

    writers = _WRITERS
    connections = _WRITERS + _READERS + 1
    locks_rows = True
    shares_thread = False

    def __init__(self, url: str) -> None:
        self._driver = _load_driver()
        self._dsn = self._complete(url)
        self.place = self._shown()
        self._writer = self._engine(_WRITERS, {"isolation_level": "READ COMMITTED"})
        self._reader = self._engine(
            _READERS, {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        self._channel = "holdfast"
        self._doorbell: Doorbell | None = None

    # Opening

    def prepare(self, *, as_it_is: bool = False) -> None:
        """Create or upgrade the tables; processes that start together do it one after another."""

        def work(conn: Connection, _news: News) -> None:
            schema, version = conn.execute(_OPENING).one()
            if schema is None:
                raise DatabaseUnavailableError(
                    f"{self.place}: the schema that search_path names does not exist, or this role may not use it. The owner "
                    "creates it first, CREATE SCHEMA …, or lets the role in, GRANT USAGE ON SCHEMA … TO …."
                )
            self._channel = f"holdfast_{schema}"[:63]
            if not as_it_is:
                refuse_old(version, self.place)
                prepare(conn, self.place)

        # As it is, it may be a server on which nothing of ours can be written; to look is possible everywhere.
        (self.read if as_it_is else self.write)(work)

    def _complete(self, url: str) -> str:
        conninfo = self._driver.conninfo
        try:
            given = conninfo.conninfo_to_dict(url)
        except self._driver.ProgrammingError as error:
            raise unreadable(without_quotes(str(error).strip())) from None
        ports = str(given.get("port") or "5432").split(",")
        hosts = str(given.get("host", "")).split(",")
        torn = "@" in str(given.get("dbname", "")) or any("@" in host[1:] for host in hosts)
        if torn or not all(port.isdigit() for port in ports):
            raise unreadable("a user or password that has @, : or / in it must be percent-encoded")
        if len(hosts) > 1:
            given.setdefault("target_session_attrs", "read-write")
        complete: str = conninfo.make_conninfo(**{**_SETTINGS, **given})
        return complete

    def _shown(self) -> str:
        given = self._driver.conninfo.conninfo_to_dict(self._dsn)
        hosts = str(given.get("host") or given.get("hostaddr") or "localhost").split(",")
        ports = (str(given.get("port") or "5432").split(",") * len(hosts))[: len(hosts)]
        user = f"{given['user']}@" if given.get("user") else ""
        where = ",".join(f"{host}:{port}" for host, port in zip(hosts, ports, strict=True))
        return f"postgresql://{user}{where}/{given.get('dbname') or given.get('user') or ''}"

    def _engine(self, size: int, options: dict[str, Any]) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: self._driver.connect(self._dsn),
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            execution_options=options,
            hide_parameters=True,  # they hold payloads, and errors go to logs
        )
        dumper = _text_dumper()

        @event.listens_for(engine, "connect")
        def connected(connection: Any, _record: Any) -> None:
            connection.adapters.register_dumper(str, dumper)
            with connection.transaction():
                connection.execute(_LIMITS)

        _note_changes(engine)
        return engine

    # Transactions

    def write(self, work: Work[R]) -> R:
        """Do some work in a write transaction.

        It is done again from its start where another transaction was in the way, where the connection broke before the
        commit, and where the server says that a commit which nobody answered did not happen.
        """
        return self._persist(lambda: self._write_once(work))

    def read(self, work: Work[R]) -> R:
        """Do some work in a read transaction that sees one state of the database."""

        def once() -> R:
            with self._reader.connect() as conn, conn.begin():
                return work(conn, News())

        return self._persist(once)

    def _persist(self, once: Callable[[], R]) -> R:
        cuts = 0
        for attempt in range(_RETRIES):
            try:
                return once()
            except DBAPIError as error:
                last = attempt == _RETRIES - 1
                if is_cut(error):
                    cuts += 1
                    if last or cuts > len(_PAUSES):
                        raise unavailable(error, self.place) from error
                    time.sleep(_PAUSES[cuts - 1])
                elif last or code(error) not in _RUN_AGAIN:
                    raise failed(error, self.place) from error
                else:
                    time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - so that two do not meet again
        raise AssertionError("the last attempt returns or raises")

    def _write_once(self, work: Work[R]) -> R:
        with self._writer.connect() as conn:
            trans = conn.begin()
            conn.info.update({_CHANGED: False, _BEFORE: []})
            try:
                news = News()
                result = work(conn, news)
                # A look that only locked what limits hold back must ring nobody: they would look in turn, for ever.
                rings = conn.info[_CHANGED] and news.any
                mark = _Mark(
                    *conn.execute(_MARK_AND_RING, {"channel": self._channel}).one()[:2]
                    if rings
                    else conn.execute(_MARK).one()
                )
            except BaseException:
                with contextlib.suppress(DBAPIError):  # a connection that is gone has rolled back
                    trans.rollback()
                raise
            try:
                trans.commit()
            except DBAPIError as error:
                if mark.xid is None or not is_cut(error):
                    raise
                conn.invalidate()
                if not self._was_committed(mark, error):
                    raise
            return result

    def _was_committed(self, mark: "_Mark", cause: DBAPIError) -> bool:
        """Find out what became of a commit whose answer was lost."""
        log.warning("%s: the connection broke at a commit; asking what became of it", self.place)
        began = time.monotonic()
        while (waited := time.monotonic() - began) < _DOUBT_MAX:
            try:
                with self._writer.connect() as conn, conn.begin():
                    status = conn.execute(_STATUS, {"xid": mark.xid}).scalar()
                    if status == "in progress" and waited > _DOUBT_PATIENCE:
                        conn.execute(_END_BACKEND, {"pid": mark.pid, "xid": mark.xid})
            except DBAPIError as error:
                if _FUTURE in str(error.orig):
                    return False
                if not is_cut(error):
                    raise
                status = None
            if status in {"committed", "aborted"}:
                return bool(status == "committed")
            time.sleep(0.05)
        raise DatabaseUnavailableError(
            f"{self.place}: the connection broke at a commit, and for {_DOUBT_MAX:g} s nobody could say whether it "
            "happened. Look before you repeat what you asked for; with the same id it is safe to repeat."
        ) from cause

    def now(self, conn: Connection) -> int:
        """Return the time of the server in milliseconds."""
        return now_ms(conn)

    # News

    def changes(self) -> Hashable:
        """Return what differs from before when any process may have committed something since."""
        return self._bell().heard()

    @property
    def pushes(self) -> bool:
        """Tell whether those who listen are rung at this time."""
        return self._doorbell is not None and self._doorbell.hears

    def listen(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Call `ring` when any process has committed something."""
        return self._bell().listen(ring)

    def _bell(self) -> Doorbell:
        if self._doorbell is None:
            self._doorbell = Doorbell(
                lambda: self._driver.connect(self._dsn, autocommit=True), self._channel, self.place
            )
        return self._doorbell

    def hears(self) -> bool | None:
        """Tell whether a session that listens is told what another one says."""
        channel = f"holdfast_{secrets.token_hex(8)}"
        try:
            with (
                self._driver.connect(self._dsn, autocommit=True) as ear,
                self._driver.connect(self._dsn, autocommit=True) as mouth,
            ):
                ear.execute(f'LISTEN "{channel}"')
                mouth.execute("SELECT pg_notify(%s, '')", (channel,))
                return any(True for _ in ear.notifies(timeout=_HEARING, stop_after=1))
        except (
            self._driver.Error
        ):  # a standby does neither; that nobody is let in is told elsewhere
            return None

    def close(self) -> None:
        """Close every connection."""
        if self._doorbell is not None:
            self._doorbell.close()
        self._writer.dispose()
        self._reader.dispose()


def _note_changes(engine: Engine) -> None:
    """Let each connection know whether its transaction has changed a row, and not only locked some."""

    @event.listens_for(engine, "after_cursor_execute")
    def executed(
        conn: Connection,
        cursor: Any,
        _statement: str,
        _values: Any,
        context: Any,
        _many: bool,  # noqa: FBT001
    ) -> None:
        if (context.isinsert or context.isupdate or context.isdelete) and cursor.rowcount:
            conn.info[_CHANGED] = True

    @event.listens_for(engine, "savepoint")
    def opened(conn: Connection, _name: str) -> None:
        conn.info[_BEFORE].append(conn.info[_CHANGED])

    @event.listens_for(engine, "rollback_savepoint")
    def undone(conn: Connection, _name: str, _context: Any) -> None:
        conn.info[_CHANGED] = conn.info[_BEFORE].pop()

    @event.listens_for(engine, "release_savepoint")
    def kept(conn: Connection, _name: str, _context: Any) -> None:
        conn.info[_BEFORE].pop()


@dataclass(frozen=True, slots=True)
class _Mark:
    """Name a transaction so that another connection can ask what became of it."""

    xid: str | None
    pid: int


def _load_driver() -> Any:
    try:
        import psycopg  # noqa: PLC0415 - only where the database is Postgres
        import psycopg.conninfo  # noqa: F401, PLC0415 - an attribute of psycopg only once it is imported
    except ImportError:
        raise DatabaseUnavailableError(
            "A postgresql:// database needs the driver psycopg, which is not installed: pip install 'holdfast[postgres]'."
        ) from None
    return psycopg


def _text_dumper() -> type[Any]:
    from psycopg.types.string import StrDumper  # noqa: PLC0415 - only where the database is Postgres

    class TextDumper(StrDumper):
        """Replace the character that a text of Postgres cannot hold; payloads are bytes and keep it."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    return TextDumper
