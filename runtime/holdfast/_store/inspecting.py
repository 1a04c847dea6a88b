"""Verbs that look at the database itself: its schema, its settings, and who works on it."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, inspect, select, text
from sqlmodel import SQLModel

from holdfast._facts import Group, SchemaFacts, StorageFacts, WorkerFacts
from holdfast._store.database import Tx
from holdfast._store.locks import stopped_writers
from holdfast._store.ordering import by_number
from holdfast._store.reading import worker_evidence
from holdfast._store.schema import HEAD, standing
from holdfast._store.tables import activity, inbound, run, wait, worker
from holdfast.payloads import key_of
from holdfast.runs import ActivityState, TaskState

_OURS = {"alembic_version"}
_SYNCHRONOUS = {0: "off", 1: "normal", 2: "full", 3: "extra"}
_LOOKED_AT = 500  # open runs whose payloads are looked at for the keys that they need
_KINDS = {"nondeterminism": "changed code", "exception": "a bug", "decode": "an unreadable payload"}


def schema_facts(tx: Tx, *, thorough: bool) -> SchemaFacts:
    """Return what differs from the schema of this release; `thorough` reads the whole file for damage."""
    found = standing(tx.conn)
    compared = found.version is not None and not found.pending
    missing, indexes, extra = _differences(tx.conn) if compared else ([], [], [])
    return SchemaFacts(
        version=found.version, head=HEAD, min_compatible=found.min_compatible, pending=found.pending, newer=found.newer,
        usable=found.usable, missing=tuple(missing), missing_indexes=tuple(indexes), extra=tuple(extra),
        damage=tuple(_damage(tx.conn)) if thorough else (),
    )  # fmt: skip


def _differences(conn: Connection) -> tuple[list[str], list[str], list[str]]:
    there = inspect(conn)
    names = set(there.get_table_names())
    expected = SQLModel.metadata.tables
    missing = [f"table {name}" for name in expected if name not in names]
    extra = [f"table {name}" for name in sorted(names - set(expected) - _OURS)]
    indexes: list[str] = []
    for name, table in expected.items():
        if name not in names:
            continue
        columns = {column["name"] for column in there.get_columns(name)}
        own = {column.name for column in table.columns}
        missing += [f"column {name}.{column}" for column in sorted(own - columns)]
        extra += [f"column {name}.{column}" for column in sorted(columns - own)]
        made = {str(index["name"]) for index in there.get_indexes(name)}
        wanted = {str(index.name) for index in table.indexes}
        indexes += sorted(wanted - made)
        extra += [f"index {index}" for index in sorted(made - wanted)]
    return missing, indexes, extra


def _damage(conn: Connection) -> Iterator[str]:
    if conn.dialect.name != "sqlite":
        return
    for (line,) in conn.execute(text("PRAGMA integrity_check")):
        if line != "ok":
            yield f"integrity_check: {line}."
    for row in conn.execute(text("PRAGMA foreign_key_check")):
        yield f"foreign_key_check: row {row[1]} of {row[0]} refers to no row of {row[2]}."


def storage_facts(tx: Tx, place: str) -> StorageFacts:
    """Return what lies under the database, and its settings, as far as they can be known from here."""
    if tx.conn.dialect.name != "sqlite":
        return StorageFacts(path=place)
    pragmas = {
        name: tx.conn.execute(text("PRAGMA " + name)).scalar()
        for name in ("journal_mode", "synchronous", "foreign_keys", "page_size", "freelist_count")
    }
    settings = {
        "journal_mode": str(pragmas["journal_mode"]),
        "synchronous": _SYNCHRONOUS.get(int(pragmas["synchronous"] or 0), "off"),
        "foreign_keys": "on" if pragmas["foreign_keys"] else "off",
    }
    path = Path(place)
    unused = int(pragmas["page_size"] or 0) * int(pragmas["freelist_count"] or 0)
    return StorageFacts(path=str(path), settings=settings, unused_bytes=unused, **_of_file(path))


def _of_file(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):  # in memory, or gone: nothing lies under it
        status = path.stat()
        wal = path.with_name(f"{path.name}-wal")
        return {
            "file_bytes": status.st_size, "wal_bytes": wal.stat().st_size if wal.exists() else 0,
            "free_bytes": shutil.disk_usage(path.parent).free, "mode": status.st_mode & 0o7777,
            "writable": os.access(path, os.W_OK) and os.access(path.parent, os.W_OK),
            "file_system": _file_system(path), "stopped": stopped_writers(path),
        }  # fmt: skip
    return {}


def _file_system(path: Path) -> str | None:
    """Return the kind of file system that a path lies on, where the system says so."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return None
    found = [line.split()[1:3] for line in mounts.read_text(errors="replace").splitlines()]
    inside = [(at, kind) for at, kind in found if path.resolve().is_relative_to(at)]
    return max(inside, key=lambda pair: len(pair[0]), default=("", None))[1]


def worker_facts(tx: Tx) -> list[WorkerFacts]:
    """Return the workers with the leases that they hold and the clocks of their machines."""
    leases: dict[str, int] = {}
    for table, leased in (
        (run, run.c.task_state == TaskState.LEASED.value),
        (activity, activity.c.state == ActivityState.LEASED.value),
    ):
        query = (
            select(table.c.lease_owner, func.count())
            .where(table.c.closed_at.is_(None), leased)
            .group_by(table.c.lease_owner)
        )
        for owner, count in tx.conn.execute(query):
            leases[owner] = leases.get(owner, 0) + count
    offsets = {
        row.id: row.clock_offset
        for row in tx.conn.execute(select(worker.c.id, worker.c.clock_offset))
    }
    return [
        WorkerFacts(worker=item, leases=leases.get(item.id, 0), clock_offset=offsets[item.id])
        for item in worker_evidence(tx)
    ]


def blocked_groups(tx: Tx) -> list[Group]:
    """Return the blocked runs by cause, the most frequent first."""
    query = (
        select(run.c.error_kind, run.c.error_signature, func.count().label("runs"), func.min(by_number(run.c.id)).label("example"))
        .where(run.c.closed_at.is_(None), run.c.task_state == TaskState.BLOCKED.value)
        .group_by(run.c.error_kind, run.c.error_signature)
        .order_by(func.count().desc(), func.min(by_number(run.c.id)))
    )  # fmt: skip
    return [
        Group(name=_cause(row.error_kind, row.error_signature), count=row.runs, example=row.example)
        for row in tx.conn.execute(query)
    ]


def _cause(kind: str | None, signature: str | None) -> str:
    named = _KINDS.get(kind or "", kind or "an unknown cause")
    return f"{named} ({signature})" if signature else named


def open_groups(tx: Tx) -> tuple[list[Group], list[Group]]:
    """Return the open runs by queue and workflow, and the open activities by queue and name.

    What nobody needs to know is left out: a paused run, and one whose compensations are carried out without its code.
    """
    runs = (
        select(run.c.workflow.label("name"), run.c.queue, func.count().label("items"), func.min(by_number(run.c.id)).label("example"))
        .where(run.c.closed_at.is_(None), run.c.ending.is_(None), run.c.paused_at.is_(None))
        .group_by(run.c.workflow, run.c.queue)
        .order_by(by_number(run.c.queue), by_number(run.c.workflow))
    )  # fmt: skip
    waiting = (
        select(activity.c.name, activity.c.queue, func.count().label("items"), func.min(by_number(activity.c.run_id)).label("example"))
        .where(activity.c.closed_at.is_(None), activity.c.state != ActivityState.ATTENTION.value)
        .group_by(activity.c.name, activity.c.queue)
        .order_by(by_number(activity.c.queue), by_number(activity.c.name))
    )  # fmt: skip
    first, second = (
        [
            Group(name=row.name, queue=row.queue, count=row.items, example=row.example)
            for row in tx.conn.execute(query)
        ]
        for query in (runs, waiting)
    )
    return first, second


def oldest_due(tx: Tx) -> int | None:
    """Return when the oldest task became due that nobody has taken, or None."""
    going = (run.c.closed_at.is_(None), run.c.paused_at.is_(None))
    ready = select(func.min(run.c.task_visible_at)).where(
        *going, run.c.task_state == TaskState.READY.value, run.c.task_visible_at <= tx.now
    )
    waiting = (ActivityState.READY.value, ActivityState.BACKOFF.value)
    attempts = (
        select(func.min(activity.c.visible_at))
        .join(run, run.c.id == activity.c.run_id)
        .where(*going, activity.c.closed_at.is_(None), activity.c.state.in_(waiting), activity.c.visible_at <= tx.now)
    )  # fmt: skip
    timers = select(func.min(wait.c.fire_at)).where(wait.c.fire_at <= tx.now)
    found = [tx.conn.execute(query).scalar() for query in (ready, attempts, timers)]
    return min((at for at in found if at is not None), default=None)


def keys_in_use(tx: Tx) -> dict[str, int]:
    """Return the keys under which the newest events of open runs are sealed, each with a count of runs."""
    newest = (
        select(run.c.id, run.c.inbound_count)
        .where(run.c.closed_at.is_(None))
        .order_by(run.c.created_at.desc(), run.c.id)
        .limit(_LOOKED_AT)
        .subquery()
    )
    query = select(inbound.c.body).join(
        newest, (inbound.c.run_id == newest.c.id) & (inbound.c.turn == newest.c.inbound_count)
    )
    counts: dict[str, int] = {}
    for (body,) in tx.conn.execute(query):
        key = key_of(body)
        if key is not None:
            counts[key] = counts.get(key, 0) + 1
    return counts
