"""Which runs have come past a line of code."""

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from holdfast._store.database import Tx
from holdfast._store.tables import command, run
from holdfast.runs import InFlight


def is_past(place: str) -> ColumnElement[bool]:
    """Return the condition that a run has a command from `file:line`; the file may leave out its first folders."""
    site, line = command.c.site, f"{place} in "
    # Not by LIKE, to which upper and lower case are the same in SQLite and not in Postgres.
    here = or_(func.substr(site, 1, len(line)) == line, func.replace(site, f"/{line}", "") != site)
    return exists().where(and_(command.c.run_id == run.c.id, here))


def in_flight(tx: Tx, workflow: str, place: str) -> InFlight:
    """Return how many open runs of a workflow are past a place, and how many before it."""
    open_runs = select(func.count()).where(run.c.workflow == workflow, run.c.closed_at.is_(None))
    total = tx.conn.execute(open_runs).scalar_one()
    past = tx.conn.execute(open_runs.where(is_past(place))).scalar_one()
    return InFlight(place=place, past=past, before=total - past)
