"""The database's clock, in milliseconds since 1970 UTC."""

from sqlalchemy import Connection, text

NOW = {
    "sqlite": text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"),
    "postgresql": text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
}


def now_ms(conn: Connection) -> int:
    """Return the time by the database's clock."""
    now: int = conn.execute(NOW[conn.dialect.name]).scalar_one()
    return now
