"""Runs that belong together: children of a run, and the run that continues another."""

import hashlib
import re
import secrets
from typing import Any

from sqlalchemy import insert, select, update

from holdfast._registry import python_minor
from holdfast._store import accepting
from holdfast._store.attributes import attributes_of
from holdfast._store.closing import tell_if_ended
from holdfast._store.database import Tx
from holdfast._store.ending import close_run
from holdfast._store.events import append_event
from holdfast._store.records import NewRun
from holdfast._store.rows import lock_run
from holdfast._store.sealing import moved
from holdfast._store.starting import insert_run, known_run
from holdfast._store.tables import child as child_table
from holdfast._store.tables import inbound, published, run, update_request
from holdfast.history import ContinueAsNew, Failure, Json, StartChild, canonical, failure_to_json
from holdfast.runs import RunStatus

_CARRIED = ("signal_received", "update_requested", "cancel_requested")
_NUMBERED = re.compile(r"^(?P<base>.*)~(?P<number>[0-9]+)$")


def start_child(tx: Tx, run_id: str, command: StartChild, queue: str) -> None:
    """Insert the run that a command asks for; an id that is taken is told to the run as a failed child.

    A fork that keeps the keys of its original has the child that the original has started under that id.
    """
    parent = tx.conn.execute(select(run).where(run.c.id == run_id)).one()
    child = command.child or f"{run_id}.{command.seq}"
    if known_run(tx, child) is not None:
        if _share(tx, parent, command, child, queue):
            return
        failure = failure_to_json(
            Failure(
                type="RunExistsError",
                message=f"there is a run {child!r} already; give the child another id",
            )
        )
        body: dict[str, Json] = {"seq": command.seq, "status": "not started", "failure": failure}
        append_event(tx, run_id, "child_failed", body)
        return
    new = _new_run(
        parent, command, run_id=child, queue=command.queue or queue, timeout_ms=command.timeout_ms,
        retry_budget=command.retry_budget, lineage=command.child or f"{parent.lineage}.{command.seq}",
    )  # fmt: skip
    insert_run(tx, new)
    _link(tx, run_id, command, child)


def _link(tx: Tx, run_id: str, command: StartChild, child: str) -> None:
    tx.conn.execute(
        insert(child_table).values(
            run_id=run_id, seq=command.seq, child=child, on_close=command.on_close, open=True
        )
    )


def _share(tx: Tx, fork: Any, command: StartChild, child: str, queue: str) -> bool:
    """Link a fork to the child that its original has started with the same command; False when it has not."""
    lock_run(tx, child)  # its end is told to those whom it knows of by then
    known = tx.conn.execute(select(run).where(run.c.id == child)).one()
    request: list[Json] = [command.workflow, command.queue or queue, command.args]
    digest = hashlib.sha256(canonical(request).encode()).hexdigest()
    origin = select(run.c.lineage).where(run.c.id == known.parent)
    link = select(child_table.c.seq).where(
        child_table.c.run_id == known.parent, child_table.c.child == child
    )
    same = (
        fork.forked_from is not None
        and tx.conn.execute(origin).scalar() == fork.lineage
        and tx.conn.execute(link).scalar() == command.seq
        and known.request_digest in tx.chain.veils(digest)
    )
    if same:
        _link(tx, fork.id, command, child)
        tell_if_ended(tx, fork.id, command.seq, known)
    return same


def _new_run(
    origin: Any, command: StartChild | ContinueAsNew, *, run_id: str, queue: str, **more: Any
) -> NewRun:
    request: list[Json] = [command.workflow, queue, command.args]
    same = command.workflow == origin.workflow
    return NewRun(
        id=run_id, workflow=command.workflow, entry=command.entry, queue=queue, seed=secrets.token_hex(8),
        flags=origin.flags, python=python_minor(), code=origin.code if same else "",
        digest=hashlib.sha256(canonical(request).encode()).hexdigest(), args=command.args,
        priority=origin.priority, **({"parent": origin.id} | more),
    )  # fmt: skip


def continue_as_new(tx: Tx, run_id: str, turn: int, command: ContinueAsNew) -> None:
    """End a run and insert the one that continues it, with the messages that were not read."""
    old = tx.conn.execute(select(run).where(run.c.id == run_id)).one()
    following = successor(run_id)
    while known_run(tx, following) is not None:
        following = successor(following)
    new = _new_run(
        old, command, run_id=following, queue=old.queue, parent=old.parent, previous=run_id,
        first_run=old.first_run, lineage=successor(old.lineage), attributes=attributes_of(tx, run_id),
        schedule=old.schedule, scheduled_for=old.scheduled_for,
    )  # fmt: skip
    insert_run(tx, new)
    tx.conn.execute(
        update(run)
        .where(run.c.id == following)
        .values(
            deadline_at=old.deadline_at,
            timeout_ms=old.timeout_ms,
            retry_budget=old.retry_budget,
            retries_used=old.retries_used,
        )
    )
    _carry(tx, run_id, following, turn, command.carry)
    _hand_over(tx, run_id, following)
    if command.workflow == old.workflow:
        accepting.hand_on(tx, run_id, following)
    tx.conn.execute(update(run).where(run.c.id == run_id).values(continued_to=following))
    close_run(tx, run_id, RunStatus.CONTINUED, {"run": following})


def successor(run_id: str) -> str:
    """Return the id of the run that continues another: `a`, `a~2`, `a~3`."""
    found = _NUMBERED.match(run_id)
    return f"{found['base']}~{int(found['number']) + 1}" if found else f"{run_id}~2"


def _carry(tx: Tx, old: str, new: str, turn: int, unread: list[int]) -> None:
    """Append to the new run what the old one has not read, and what has come since."""
    rows = tx.conn.execute(
        select(inbound)
        .where(inbound.c.run_id == old, inbound.c.kind.in_(_CARRIED))
        .order_by(inbound.c.turn)
    ).all()
    for row in rows:
        if row.turn in unread or row.turn > turn:
            body = tx.unpack(row.body, "inbound.body", old, row.turn)
            append_event(tx, new, row.kind, body if isinstance(body, dict) else {})
            if row.kind == "cancel_requested":  # one that the old run has seen was answered there
                tx.conn.execute(
                    update(run).where(run.c.id == new).values(cancel_requested_at=row.at)
                )


def _hand_over(tx: Tx, old: str, new: str) -> None:
    tx.conn.execute(
        update(update_request)
        .where(update_request.c.run_id == old, update_request.c.state == "requested")
        .values(run_id=new)
    )
    tx.conn.execute(update(child_table).where(child_table.c.child == old).values(child=new))
    for row in tx.conn.execute(select(published).where(published.c.run_id == old)).all():
        values = moved(tx, published, row, to=new) | {"turn": 0}
        tx.conn.execute(insert(published).values(**values))
