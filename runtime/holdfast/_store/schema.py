"""Bringing a database to the schema of this release."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from holdfast._store import blank
from holdfast.errors import DatabaseCorruptError, DatabaseVersionError

HEAD = "0006"
_KNOWN = frozenset({"0001", "0002", "0003", "0005", "0006"})
_MIGRATIONS = Path(__file__).parent / "migrations"


def prepare(conn: Connection, place: str, *, lock: Callable[[], object] = lambda: None) -> None:
    """Create or upgrade the tables; a database of a newer release is refused and left alone.

    `lock` waits for other processes that are doing so, where the transaction alone does not.
    """
    version = _version(conn)
    if version == HEAD:
        return
    lock()
    version = _version(conn)
    if version == HEAD:
        return
    _refuse_foreign(conn, version, place)
    if version is None and blank.make_again(conn):
        return
    _upgrade(conn)
    if version is None:
        blank.remember(conn)


def _version(conn: Connection) -> str | None:
    if "alembic_version" not in inspect(conn).get_table_names():
        return None
    version: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _refuse_foreign(conn: Connection, version: str | None, place: str) -> None:
    if version is not None and version > HEAD:
        raise DatabaseVersionError(
            f"{place} has schema {version}; this holdfast knows schemas up to {HEAD}. "
            "A newer release has used it. Upgrade holdfast; nothing was changed."
        )
    if version is not None and version not in _KNOWN:
        raise DatabaseCorruptError(
            f"{place} says that its schema is {version!r}, which no release of holdfast has. Nothing was changed; "
            "restore it from a copy, or give another --db."
        )
    if version is None and inspect(conn).get_table_names():
        raise DatabaseCorruptError(
            f"{place} holds other tables and no holdfast schema. Nothing was changed; give another --db."
        )


def _upgrade(conn: Connection) -> None:
    # Alembic costs more to import than a worker's whole start, so it is loaded only when there is something to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
