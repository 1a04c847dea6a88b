"""What is known about a Postgres server when somebody asks whether all is well."""

from sqlalchemy import text

from holdfast._facts import IdleSession, ServerFacts
from holdfast._store import roles
from holdfast._store.database import Tx
from holdfast._store.schema import HEAD, standing

_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
_SETUP = text(
    "SELECT name, setting FROM pg_settings WHERE name = ANY(:names) "
    "UNION ALL SELECT 'version', current_setting('server_version_num') "
    "UNION ALL SELECT 'default_transaction_read_only', reset_val FROM pg_settings WHERE name = 'default_transaction_read_only' "
    "UNION ALL SELECT 'standby', CAST(pg_is_in_recovery() AS text)"
)
_CONNECTIONS = text(
    "SELECT LEAST(CAST(current_setting('max_connections') AS integer) - CAST(current_setting('superuser_reserved_connections') AS integer), "
    "CASE WHEN NOT r.rolsuper THEN NULLIF(d.datconnlimit, -1) END, CASE WHEN NOT r.rolsuper THEN NULLIF(r.rolconnlimit, -1) END) "
    "FROM pg_database AS d, pg_roles AS r WHERE d.datname = current_database() AND r.rolname = current_user"
)
_NOT_VACUUMED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind = 'r' "
    "AND CAST(reloptions AS text) ~ 'autovacuum_enabled=(off|false|no|0)' ORDER BY relname"
)
# A lock that is only shared by readers (AccessShareLock) holds nobody up.
_IDLE = text(
    "SELECT a.pid, a.usename, a.application_name, "
    "CAST(EXTRACT(EPOCH FROM clock_timestamp() - a.state_change) * 1000 AS bigint) AS idle, "
    "array_agg(DISTINCT CAST(c.relname AS text) ORDER BY CAST(c.relname AS text)) AS tables "
    "FROM pg_stat_activity AS a JOIN pg_locks AS l ON l.pid = a.pid JOIN pg_class AS c ON c.oid = l.relation "
    "WHERE a.datname = current_database() AND a.state LIKE 'idle in transaction%' AND l.locktype = 'relation' AND l.granted "
    "AND l.database = a.datid AND l.mode <> 'AccessShareLock' AND c.relkind = 'r' "
    "AND c.relnamespace = CAST(current_schema() AS regnamespace) GROUP BY 1, 2, 3, 4 ORDER BY idle DESC"
)


def server_facts(tx: Tx, *, per_process: int) -> ServerFacts | None:
    """Return how the server is set up; None for a file."""
    if tx.conn.dialect.name != "postgresql":
        return None
    found: dict[str, str] = {
        row.name: row.setting for row in tx.conn.execute(_SETUP, {"names": list(_SETTINGS)})
    }
    # What a migration has yet to make needs no grant now.
    lacking = roles.lacking(tx.conn) if standing(tx.conn).version == HEAD else ()
    return ServerFacts(
        version=int(found["version"]), settings={name: found[name] for name in _SETTINGS}, read_only=_why_read_only(found),
        connections=tx.conn.execute(_CONNECTIONS).scalar_one(), per_process=per_process,
        not_vacuumed=tuple(tx.conn.execute(_NOT_VACUUMED).scalars()), lacking=lacking,
        idle=[
            IdleSession(pid=row.pid, user=row.usename, program=row.application_name, idle=row.idle, tables=tuple(row.tables))
            for row in tx.conn.execute(_IDLE)
        ],
    )  # fmt: skip


def _why_read_only(found: dict[str, str]) -> str:
    if found["standby"] == "true":
        return "this server is a standby"
    if found["default_transaction_read_only"] == "on":
        return "default_transaction_read_only is on"
    return ""
