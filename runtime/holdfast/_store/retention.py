"""Verbs of retention: which closed runs nobody needs any more, and deleting one for a record of the file that has it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, delete, exists, insert, or_, select

from holdfast._store.database import Tx
from holdfast._store.tables import (
    accepted,
    activity,
    approval,
    archived_run,
    attribute,
    child,
    command,
    compensation,
    drift,
    inbound,
    message,
    patch_decision,
    published,
    run,
    update_request,
    vote,
    wait,
)

OF_A_RUN: tuple[Table, ...] = (
    accepted, activity, approval, attribute, child, command, compensation, drift, inbound, patch_decision, published, vote, wait,
)  # fmt: skip
OF_A_CHAIN: tuple[Table, ...] = (message, update_request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Name a closed run that may be archived."""

    id: str
    workflow: str
    status: str
    closed_at: int


def candidates(
    tx: Tx, *, before: int, statuses: Collection[str], after: tuple[int, str] | None, limit: int
) -> list[Candidate]:
    """Return runs that were closed before an instant and that nobody needs, the oldest first; all statuses if none is given.

    `after` is `(closed_at, id)` of the last one of the page before.
    """
    query = (
        select(run.c.id, run.c.workflow, run.c.status, run.c.closed_at)
        .where(run.c.closed_at < before, *_nobody_needs_it())
        .order_by(run.c.closed_at, run.c.id)
        .limit(limit)
    )
    if statuses:
        query = query.where(run.c.status.in_(sorted(statuses)))
    if after is not None:
        at, last = after
        query = query.where(or_(run.c.closed_at > at, and_(run.c.closed_at == at, run.c.id > last)))
    return [Candidate(**row._asdict()) for row in tx.conn.execute(query)]


def _nobody_needs_it() -> tuple[ColumnElement[bool], ...]:
    """Return the condition that no open run has started it, or is still to be told of its end."""
    parent, link = run.alias("parent"), child.alias("link")
    open_parent = exists().where(parent.c.id == run.c.parent, parent.c.closed_at.is_(None))
    awaited = exists().where(
        link.c.child == run.c.id, link.c.run_id == parent.c.id, parent.c.closed_at.is_(None)
    )
    return run.c.closed_at.is_not(None), ~open_parent, ~awaited


def replace_by_record(tx: Tx, run_id: str, *, file: str, digest: str) -> bool:
    """Delete the rows of a run and remember where its history is; False when it is gone, or somebody needs it now."""
    first = tx.conn.execute(select(run.c.first_run).where(run.c.id == run_id)).scalar()
    if (
        tx.locks
    ):  # the whole chain: of two that delete its last runs, one must see that it is the last
        chain = select(run.c.id).where(run.c.first_run == first).order_by(run.c.id)
        tx.conn.execute(chain.with_for_update()).all()
    row = tx.conn.execute(select(run).where(run.c.id == run_id, *_nobody_needs_it())).first()
    if row is None:
        return False
    tx.conn.execute(
        insert(archived_run).values(
            id=run_id, workflow=row.workflow, status=row.status, request_digest=row.request_digest,
            first_run=row.first_run, continued_to=row.continued_to, created_at=row.created_at,
            closed_at=row.closed_at, archived_at=tx.now, file=file, digest=digest,
        )
    )  # fmt: skip
    for table in OF_A_RUN:
        tx.conn.execute(delete(table).where(table.c.run_id == run_id))
    tx.conn.execute(delete(run).where(run.c.id == run_id))
    left = select(run.c.id).where(run.c.first_run == row.first_run).limit(1)
    if tx.conn.execute(left).first() is None:
        # Message ids count for the whole chain, so they live as long as any run of it.
        for table in OF_A_CHAIN:
            tx.conn.execute(delete(table).where(table.c.first_run == row.first_run))
    return True
