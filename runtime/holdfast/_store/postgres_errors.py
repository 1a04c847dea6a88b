"""The sentences for what goes wrong with a Postgres, and what kind of trouble an error of the driver means."""

import re

from sqlalchemy.exc import DBAPIError

from holdfast._facts import OLDEST_SERVER
from holdfast._masking import masked
from holdfast.errors import (
    DatabasePermissionError,
    DatabaseUnavailableError,
    DatabaseVersionError,
    StoreError,
)

LOCK_WAIT = "15s"
_LOCKED = "55P03"  # a lock was not to be had in time
_DENIED = "42501"  # a privilege is missing
_CUT = frozenset(
    {
        "57P01",  # the server is shutting down, or somebody ended the connection
        "57P02",  # a crash of another backend
        "57P03",  # the server is starting
        "25P03",  # the server ended a transaction in which nothing happened for long
        "25006",  # read-only: this server became a standby
    }
)
_ADVICE = {
    "password authentication failed": "Check the user and the password of the URL.",
    "no password supplied": "Check the user and the password of the URL.",
    "is not permitted to log in": "Give the URL of a role that may: CREATE ROLE … LOGIN PASSWORD '…' IN ROLE ….",
    "permission denied for database": "The owner of the database lets the role in: GRANT CONNECT ON DATABASE … TO ….",
    "does not exist": "Create it, or correct the URL.",
}
_TRY_AGAIN = "Check that the server runs and is reachable, and try again; nothing was changed."


def is_cut(error: DBAPIError) -> bool:
    """Tell whether an error means that there is no server at the other end, or not the right one."""
    found = code(error)
    return (
        error.connection_invalidated or found in _CUT or (found is None and _is_operational(error))
    )


def _is_operational(error: DBAPIError) -> bool:
    return type(error.orig).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}


def code(error: DBAPIError) -> str | None:
    """Return the SQLSTATE of an error, or None for one that no server has sent."""
    found: str | None = getattr(error.orig, "sqlstate", None)
    return found


def refuse_old(version: int, place: str) -> None:
    """Raise `DatabaseVersionError` for a server whose `server_version_num` is that of a release without what is needed."""
    if version < OLDEST_SERVER:
        raise DatabaseVersionError(
            f"{place} is on Postgres {version // 10_000}; {OLDEST_SERVER // 10_000} or later is needed, because older ones "
            "cannot say what became of a commit. Nothing was changed; give a database on a newer server."
        )


def unavailable(error: DBAPIError, place: str) -> DatabaseUnavailableError:
    """Return the error for a server that cannot be reached, or lets nobody in."""
    cause = _sentence(error)
    advice = next((text for sign, text in _ADVICE.items() if sign in cause), _TRY_AGAIN)
    return DatabaseUnavailableError(f"{place} cannot be used: {cause}. {advice}")


def failed(error: DBAPIError, place: str) -> StoreError:
    """Return the error for a statement that the server has refused."""
    if code(error) == _LOCKED:
        return DatabaseUnavailableError(
            f"{place}: another transaction held what this one needs for more than {LOCK_WAIT}; nothing was "
            "changed. Look for it in pg_stat_activity, and try again."
        )
    if code(error) == _DENIED:
        return _denied(_sentence(error), error.statement or "", place)
    return StoreError(f"{place}: {_sentence(error)}")


def _denied(cause: str, statement: str, place: str) -> DatabasePermissionError:
    found = re.search(r"permission denied for table (\w+)", cause)
    if found is None:
        return DatabasePermissionError(
            f"{place}: {cause}. Nothing was changed. Only the role that owns the tables may do that: give its URL."
        )
    grant = f"{_privilege(statement, found[1])} on {found[1]}"
    return DatabasePermissionError(
        f"{place}: {cause}. Nothing was changed. The role lacks {grant}. Give the URL of a role that has it; "
        "`holdfast db roles` prints what a worker, a client and a dashboard need, and with --apply the owner grants it."
    )


def _privilege(statement: str, table: str) -> str:
    """Return what a statement needs on a table that it may not use: all that it only reads needs SELECT."""
    changed = re.match(r"\s*(INSERT|UPDATE|DELETE)\s+(?:INTO\s+|FROM\s+)?\"?(\w+)", statement)
    if changed is not None and changed[2] == table:
        return changed[1]
    return "UPDATE" if " FOR UPDATE" in statement else "SELECT"


def _sentence(error: DBAPIError) -> str:
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return masked("; ".join(lines)).rstrip(".") or type(error.orig).__name__


def without_quotes(why: str) -> str:
    """Return what the driver says of a URL without the piece of it that it quotes, which may be the password."""
    return why if "query parameter" in why else re.sub(r'"[^"]*"', '"…"', why)


def unreadable(why: str) -> DatabaseUnavailableError:
    """Return the error for a URL that is none."""
    return DatabaseUnavailableError(
        f"The Postgres URL cannot be read: {why}. Expected postgresql://user:password@host:5432/database."
    )
