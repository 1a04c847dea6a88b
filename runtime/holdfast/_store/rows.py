"""Finding the row of a run, or saying why there is none to be had."""

from typing import Any

from sqlalchemy import select

from holdfast._arguments import check_run_id
from holdfast._store.database import Tx
from holdfast._store.tables import run
from holdfast.errors import RunClosedError, UnknownRunError


def run_row(tx: Tx, run_id: str) -> Any:
    """Return the row of a run, or raise `UnknownRunError`."""
    check_run_id(run_id)
    row = tx.conn.execute(select(run).where(run.c.id == run_id)).first()
    if row is None:
        raise UnknownRunError(
            f"There is no run {run_id!r} in this database. `holdfast runs` lists them."
        )
    return row


def current_row(tx: Tx, run_id: str) -> Any:
    """Return the row of the run that a chain of continuations has come to."""
    return newest(tx, run_row(tx, run_id))


def newest(tx: Tx, row: Any) -> Any:
    """Return the row of the last run in the chain that continues a run."""
    while row.continued_to is not None:
        row = run_row(tx, row.continued_to)
    return row


def open_row(tx: Tx, run_id: str) -> Any:
    """Return the row of a run that has not ended; raise `UnknownRunError` or `RunClosedError` otherwise."""
    row = run_row(tx, run_id)
    if row.closed_at is not None:
        raise RunClosedError(f"Run {run_id} is {row.status} already; nothing was changed.")
    return row
