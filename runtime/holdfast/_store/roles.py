"""What the roles of a Postgres database may do: those of a worker, of a client and of a dashboard, beside the owner.

Everybody who is let in reads everything. The owner alone changes tables, deletes schedules, forks, sets limits and rotates keys.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

Kind = Literal["worker", "client", "dashboard"]
KINDS: tuple[Kind, ...] = ("worker", "client", "dashboard")
NAMES: Mapping[Kind, str] = {kind: f"holdfast_{kind}" for kind in KINDS}

_CHANGES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Grants:
    """Say what a worker and a client may do to a table besides reading it."""

    worker: tuple[str, ...] = _CHANGES
    client: tuple[str, ...] = ()


# A client changes a wait, a compensation or a child when it answers, cancels or terminates; `activity` gets the
# compensations of a run that nobody advances.
GRANTS: Mapping[str, Grants] = {
    "accepted": Grants(client=("INSERT",)),
    "activity": Grants(client=("INSERT", "UPDATE")),
    "alembic_version": Grants(worker=()),
    "approval": Grants(client=("UPDATE",)),
    "archived_run": Grants(worker=("INSERT",)),
    "attribute": Grants(client=("INSERT",)),
    "child": Grants(client=("UPDATE",)),
    "command": Grants(worker=("INSERT", "DELETE")),
    "compatibility": Grants(worker=()),
    "compensation": Grants(client=("UPDATE",)),
    "drift": Grants(worker=("INSERT", "DELETE")),
    "inbound": Grants(client=("INSERT",)),
    "key_limit": Grants(worker=("INSERT", "UPDATE")),
    "message": Grants(client=("INSERT",)),
    "patch_decision": Grants(worker=("INSERT", "DELETE")),
    "published": Grants(),
    "queue": Grants(worker=("UPDATE",)),
    "run": Grants(client=("INSERT", "UPDATE")),
    "schedule": Grants(worker=("UPDATE",), client=("INSERT", "UPDATE")),
    "schedule_tick": Grants(client=_CHANGES),
    "update_request": Grants(client=("INSERT", "UPDATE")),
    "vote": Grants(client=("INSERT",)),
    "wait": Grants(client=("DELETE",)),
    "worker": Grants(),
}


def needs(kind: Kind) -> frozenset[tuple[str, str]]:
    """Return what a role needs, as pairs of a table and a privilege."""
    return frozenset(
        (table, privilege)
        for table, grants in GRANTS.items()
        for privilege in ("SELECT", *(() if kind == "dashboard" else getattr(grants, kind)))
    )


def lacking(conn: Connection) -> tuple[str, ...]:
    """Return what the role of a connection lacks of what it seems to be for."""
    query = text(
        "SELECT c.relname, p.name FROM pg_class AS c CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p(name) "
        "WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, p.name)"
    )
    held = {(row.relname, row.name) for row in conn.execute(query)}
    kind = _seems_for(held)
    return tuple(
        f"{privilege} on {table}, which a {kind} needs"
        for table, privilege in sorted(needs(kind) - held)
    )


def _seems_for(held: set[tuple[str, str]]) -> Kind:
    """Return what a role is for: only a worker writes its own row, and who starts or advances runs writes theirs."""
    changed = {table for table, privilege in held if privilege in _CHANGES}
    if "worker" in changed:
        return "worker"
    return "client" if "run" in changed else "dashboard"


def statements(conn: Connection, names: Mapping[Kind, str]) -> Iterator[str]:
    """Yield the statements that make the roles which are missing, and give each exactly what it needs."""
    quote = conn.dialect.identifier_preparer.quote
    schema, database = conn.execute(text("SELECT current_schema(), current_database()")).one()
    there = set(conn.execute(text("SELECT rolname FROM pg_roles")).scalars())
    for name in names.values():
        if name not in there:
            yield f"CREATE ROLE {quote(name)} NOLOGIN"
    everybody = text("SELECT has_schema_privilege('public', current_schema(), 'CREATE')")
    if conn.execute(everybody).scalar():
        yield f"REVOKE CREATE ON SCHEMA {quote(schema)} FROM PUBLIC"
    roles = ", ".join(quote(name) for name in names.values())
    yield f"GRANT CONNECT ON DATABASE {quote(database)} TO {roles}"
    yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {roles}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {quote(schema)} FROM {roles}"
    for kind, name in names.items():
        for privilege in ("SELECT", *_CHANGES):
            tables = sorted(table for table, known in needs(kind) if known == privilege)
            if tables:
                listed = ", ".join(f"{quote(schema)}.{quote(table)}" for table in tables)
                yield f"GRANT {privilege} ON {listed} TO {quote(name)}"


def apply(conn: Connection, names: Mapping[Kind, str]) -> None:
    """Make the roles, in the transaction of the connection."""
    for statement in statements(conn, names):
        conn.exec_driver_sql(statement)
