"""Finding the row of a run, or saying why there is none to be had."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import or_, select

from holdfast._arguments import check_run_id
from holdfast._store.database import Tx
from holdfast._store.tables import archived_run, child, run
from holdfast.clock import instant
from holdfast.errors import ArchivedRunError, RunClosedError, UnknownRunError


def lock_run(tx: Tx, run_id: str) -> None:
    """Wait until no other transaction is changing a run, and keep others from it until this one ends.

    Every verb that changes something of a run locks the run before it looks, and before anything else of it: so all
    changes of one run are in turn, on Postgres as on SQLite.
    """
    if tx.locks:
        tx.conn.execute(select(run.c.id).where(run.c.id == run_id).with_for_update())


def lock_runs(tx: Tx, run_ids: Iterable[str]) -> None:
    """Lock several runs as `lock_run` does, in the order of their ids: then two never wait for each other.

    Where not all that a verb changes are known beforehand they may, and one of the two is begun again.
    """
    if tx.locks:
        chosen = select(run.c.id).where(run.c.id.in_(sorted(set(run_ids)))).order_by(run.c.id)
        tx.conn.execute(chosen.with_for_update())


def lock_children(tx: Tx, run_id: str, seq: int | None = None) -> None:
    """Lock the runs that a run has started, or that its command `seq` has, as they are known then.

    A child that ends or continues at this moment is waited for: it changes what its parents know of it.
    """
    which = [child.c.run_id == run_id] + ([] if seq is None else [child.c.seq == seq])
    locked: set[str] = set()
    while tx.locks:
        found = set(tx.conn.execute(select(child.c.child).where(*which)).scalars())
        if found <= locked:
            return
        lock_runs(tx, found - locked)
        locked |= found


def relatives(tx: Tx, run_id: str) -> set[str]:
    """Return the open children of a run, and the runs that are told of its end."""
    links = select(child.c.run_id, child.c.child).where(
        or_(child.c.run_id == run_id, child.c.child == run_id), child.c.open
    )
    return {name for link in tx.conn.execute(links) for name in link} - {run_id}


def try_lock_run(tx: Tx, run_id: str) -> bool:
    """Lock a run as `lock_run` does, or return False at once when another transaction is changing it."""
    if not tx.locks:
        return True
    query = select(run.c.id).where(run.c.id == run_id).with_for_update(skip_locked=True)
    return tx.conn.execute(query).first() is not None


def run_row(tx: Tx, run_id: str) -> Any:
    """Return the row of a run, locked where others write too, or raise `UnknownRunError`.

    The error says where an archived run is.
    """
    row = _row_of(tx, run_id)
    if row is None:
        raise unknown(archived_row(tx, run_id), run_id)
    return row


def _row_of(tx: Tx, run_id: str) -> Any:
    check_run_id(run_id)
    query = select(run).where(run.c.id == run_id)
    return tx.conn.execute(query.with_for_update() if tx.locks else query).first()


def archived_row(tx: Tx, run_id: str) -> Any:
    """Return what is remembered of a run that was archived, or None."""
    return tx.conn.execute(select(archived_run).where(archived_run.c.id == run_id)).first()


def unknown(archived: Any, run_id: str) -> UnknownRunError:
    """Return the error for a run without rows."""
    if archived is None:
        return UnknownRunError(
            f"There is no run {run_id!r} in this database. `holdfast runs` lists them."
        )
    closed = f"{instant(archived.closed_at):%Y-%m-%d %H:%M} UTC"
    return ArchivedRunError(
        f"Run {run_id} of {archived.workflow}, {archived.status} since {closed}, was archived to {archived.file} "
        f"(sha256 {archived.digest[:16]}…). `holdfast replay` reads that file.",
        file=archived.file,
    )


def current_row(tx: Tx, run_id: str) -> Any:
    """Return the row of the run that a chain of continuations has come to, by way of archived links too."""
    while True:
        row = _row_of(tx, run_id)
        found = archived_row(tx, run_id) if row is None else row
        if found is None or (row is None and found.continued_to is None):
            raise unknown(found, run_id)
        if found.continued_to is None:
            return row
        run_id = found.continued_to


def newest(tx: Tx, row: Any) -> Any:
    """Return the row of the last run in the chain that continues a run."""
    return row if row.continued_to is None else current_row(tx, row.continued_to)


def open_row(tx: Tx, run_id: str) -> Any:
    """Return the row of a run that has not ended; raise `UnknownRunError` or `RunClosedError` otherwise."""
    row = run_row(tx, run_id)
    if row.closed_at is not None:
        raise RunClosedError(f"Run {run_id} is {row.status} already; nothing was changed.")
    return row
