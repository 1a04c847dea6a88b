"""Inserting a run: started by a client, by another run, or as the continuation of one."""

from typing import Any

from sqlalchemy import insert, select, union_all

from holdfast._store import accepting
from holdfast._store.attributes import insert_attributes
from holdfast._store.database import Tx
from holdfast._store.records import NewRun
from holdfast._store.tables import archived_run, inbound, run
from holdfast.errors import RunExistsError
from holdfast.history import Json
from holdfast.runs import RunStatus, TaskState


def start_run(tx: Tx, new: NewRun) -> bool:
    """Insert a run with its first event; False when the same request has already started it."""
    known = known_run(tx, new.id)
    if known is None:
        insert_run(tx, new)
        return True
    if known.request_digest in tx.chain.veils(new.digest):
        return False
    raise RunExistsError(
        f"Run {new.id!r} exists already: it was started for {known.workflow} with other arguments or options. "
        "Choose another id, or leave id out to have one made."
    )


def known_run(tx: Tx, run_id: str) -> Any:
    """Return the workflow and the request digest of a run, archived ones included, or None."""
    here = select(run.c.request_digest, run.c.workflow).where(run.c.id == run_id)
    gone = select(archived_run.c.request_digest, archived_run.c.workflow)
    return tx.conn.execute(union_all(here, gone.where(archived_run.c.id == run_id))).first()


def insert_run(tx: Tx, new: NewRun) -> None:
    """Insert a run, ready to be advanced, with the event of its start."""
    start_at = tx.now if new.start_at is None else new.start_at
    begins = max(start_at, tx.now)
    tx.conn.execute(
        insert(run).values(
            id=new.id, workflow=new.workflow, entry=new.entry, queue=new.queue, status=RunStatus.OPEN.value,
            seed=new.seed, flags=new.flags, python=new.python, code=new.code, request_digest=tx.chain.veil(new.digest),
            created_at=tx.now, start_at=start_at, inbound_count=1, event_at=begins, done_turn=0,
            task_state=TaskState.READY.value, task_visible_at=start_at, lease_epoch=0, progress_epoch=0,
            progress_at=tx.now, failures=0, retries_used=0, parent=new.parent, previous=new.previous,
            first_run=new.first_run or new.id, lineage=new.lineage or new.id,
            timeout_ms=new.timeout_ms,
            deadline_at=None if new.timeout_ms is None else start_at + new.timeout_ms, retry_budget=new.retry_budget,
            priority=new.priority, schedule=new.schedule, scheduled_for=new.scheduled_for,
        )
    )  # fmt: skip
    body: dict[str, Json] = {
        "args": new.args,
        "attributes": dict(new.attributes),
        "parent": new.parent,
        "previous": new.previous,
    }
    if new.schedule is not None:
        body |= {"schedule": new.schedule, "scheduled_for": new.scheduled_for}
    tx.conn.execute(
        insert(inbound).values(
            run_id=new.id,
            turn=1,
            at=begins,
            kind="run_started",
            body=tx.pack(body, "inbound.body", new.id, 1),
        )
    )
    insert_attributes(tx, new.id, new.attributes)
    accepting.remember(tx, new.id, new.accepts)
