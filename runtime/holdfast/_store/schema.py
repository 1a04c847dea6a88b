"""Bringing a database to the schema of this release, and saying when that must not happen by itself.

A release knows the schemas up to `HEAD`. A newer one it uses as long as the database says that releases this old may:
`compatibility.min_compatible` is the oldest schema whose release still works, and only a *contract* migration raises it.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from holdfast._store import blank
from holdfast._store.instants import now_ms
from holdfast.errors import (
    DatabaseCorruptError,
    DatabasePermissionError,
    DatabaseVersionError,
    UsageError,
)
from holdfast.health import Thresholds

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
HEAD = REVISIONS[-1]
_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Say which schema a database has, None for an empty one, and the oldest whose release may use it."""

    version: str | None
    min_compatible: str | None

    @property
    def pending(self) -> tuple[str, ...]:
        """Return the migrations that this release would apply."""
        return tuple(rev for rev in REVISIONS if self.version is None or rev > self.version)

    @property
    def newer(self) -> bool:
        """Tell whether a newer release has upgraded it."""
        return self.version is not None and self.version > HEAD

    @property
    def usable(self) -> bool:
        """Tell whether this release may use it as it is."""
        if self.newer:
            return self.min_compatible is not None and self.min_compatible <= HEAD
        return self.version == HEAD


def standing(conn: Connection) -> Standing:
    """Return which schema a database has."""
    tables = inspect(conn).get_table_names()
    version = oldest = None
    if "alembic_version" in tables:
        version = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if "compatibility" in tables:
        oldest = conn.execute(text("SELECT min_compatible FROM compatibility")).scalar()
    return Standing(version=version, min_compatible=oldest)


def prepare(conn: Connection, place: str) -> None:
    """Create the tables of a new database, or upgrade one where no other process can be disturbed by it."""
    if standing(conn).usable:
        return
    lock_migrations(conn)
    found = standing(conn)
    if found.usable:
        return
    refuse_foreign(conn, found, place)
    if found.version is not None:
        _refuse_in_use(conn, found.version, place)
        upgrade(conn)
    elif not blank.make_again(conn):
        _refuse_without_leave(conn, place)
        upgrade(conn)
        blank.remember(conn)


def refuse_foreign(conn: Connection, found: Standing, place: str) -> None:
    """Raise an error for a database that this release must not touch; it is left alone."""
    version = found.version
    if found.newer and not found.usable:
        needed = found.min_compatible or version
        raise DatabaseVersionError(
            f"{place} has schema {version}; this holdfast knows schemas up to {HEAD}, and a release of schema {needed} or "
            "later is needed. A newer release has upgraded it. Upgrade holdfast; nothing was changed."
        )
    if version is not None and not found.newer and version not in REVISIONS:
        raise DatabaseCorruptError(
            f"{place} says that its schema is {version!r}, which no release of holdfast has. Nothing was changed; "
            "restore it from a copy, or give another --db."
        )
    if version is None and inspect(conn).get_table_names():
        raise DatabaseCorruptError(
            f"{place} holds other tables and no holdfast schema. Nothing was changed; give another --db."
        )


def _refuse_in_use(conn: Connection, version: str, place: str) -> None:
    """Raise `DatabaseVersionError` where an upgrade is a decision: on a server, and beside workers that live."""
    alive = live_workers(conn)
    if conn.dialect.name == "sqlite" and not alive:
        return
    who = f" and is in use by {_listed(alive)}" if alive else ""
    raise DatabaseVersionError(
        f"{place} has schema {version}{who}; this holdfast needs {HEAD}. Nothing was changed. "
        "Run `holdfast db upgrade`, on a server with the URL of the owner: workers of the release before go on meanwhile."
    )


def _refuse_without_leave(conn: Connection, place: str) -> None:
    """Raise `DatabasePermissionError` where a role may not make tables; it is not even tried."""
    if conn.dialect.name == "sqlite":
        return
    allowed = conn.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar()
    if not allowed:
        raise DatabasePermissionError(
            f"{place} has no tables of holdfast yet, and this role may not create them. Run `holdfast db upgrade` with the "
            "URL of the role that is to own them, and then `holdfast db roles --apply`."
        )


def lock_migrations(conn: Connection) -> None:
    """Wait for other processes that change the schema, where the transaction alone does not."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(7219042113)"))


def live_workers(conn: Connection) -> list[str]:
    """Return the workers that have given a sign of life lately; every schema has these columns."""
    rows = conn.execute(
        text("SELECT id FROM worker WHERE stopped_at IS NULL AND seen_at > :since ORDER BY id"),
        {"since": now_ms(conn) - Thresholds().worker_dead},
    )
    return [row.id for row in rows]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as fit a line
    return f"worker {', '.join(names[:3])}{more}"


def upgrade(conn: Connection, to: str = HEAD) -> None:
    """Apply the migrations up to `to`, in the transaction of the connection."""
    _run(to, connection=conn)


def upgrade_from_here(conn: Connection, to: str, place: str) -> tuple[str, ...]:
    """Apply the migrations up to `to` that are pending, beside live workers too, and return them."""
    lock_migrations(conn)
    found = standing(conn)
    refuse_foreign(conn, found, place)
    pending = tuple(rev for rev in found.pending if rev <= to)
    if pending:
        upgrade(conn, to)
    return pending


def upgrade_sql(dialect: str, found: Standing, to: str = HEAD) -> str:
    """Return the statements of an upgrade, for people who apply them themselves."""
    output = io.StringIO()
    span = to if found.version is None else f"{found.version}:{to}"
    _run(span, output=output, dialect=dialect)
    return output.getvalue()


def checked_target(found: Standing, to: str | None, place: str) -> str:
    """Return the schema to upgrade to, or raise `UsageError` for one that does not lie ahead."""
    target = HEAD if to is None else to
    if target not in REVISIONS:
        raise UsageError(
            f"--to {target}: this holdfast has no such schema. It knows {', '.join(REVISIONS)}."
        )
    if found.version is not None and target < found.version:
        raise UsageError(
            f"--to {target}: {place} has schema {found.version} already, and schemas are not taken back. "
            "Restore a copy that was made before the upgrade."
        )
    return target


def _run(revision: str, *, output: io.StringIO | None = None, **attributes: Any) -> None:
    # Alembic costs more to import than a worker's whole start, so it is loaded only when there is something to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config() if output is None else Config(output_buffer=output)
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes.update(attributes)
    command.upgrade(config, revision, sql=output is not None)
