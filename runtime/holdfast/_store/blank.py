"""What the migrations made of an empty SQLite database, so that the next one of the process is made without them.

Alembic takes a tenth of a second for it, and a project's tests make a database each.
"""

from sqlalchemy import Connection

_script: list[str] = []  # the statements that make such a database; empty until one was made


def make_again(conn: Connection) -> bool:
    """Make an empty database as the last one was, and tell whether there was one."""
    if conn.dialect.name != "sqlite":
        return False
    for statement in _script:
        conn.exec_driver_sql(statement)
    return bool(_script)


def remember(conn: Connection) -> None:
    """Remember the database that the migrations have just made of an empty one."""
    made = conn.connection.driver_connection
    if conn.dialect.name == "sqlite" and made is not None:
        # The first and the last statement are those of the transaction.
        _script[:] = list(made.iterdump())[1:-1]
