"""Which messages a run takes, as JSON schemas: so that a sender without the code is told what does not fit."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import insert, select, update

from holdfast._store.database import Tx
from holdfast._store.tables import accepted
from holdfast.codec import misfit, short
from holdfast.errors import MessageError, SealedPayloadError
from holdfast.history import Json

Kind = Literal["signal", "update"]


def remember(tx: Tx, run_id: str, accepts: Mapping[str, Json]) -> None:
    """Keep the schemas of the messages that a run takes, by `signal NAME` or `update NAME`."""
    if not accepts:
        return
    query = select(accepted).where(
        accepted.c.run_id == run_id, accepted.c.message.in_(sorted(accepts))
    )
    known = {row.message: row for row in tx.conn.execute(query)}
    for message, schema in accepts.items():
        which = (accepted.c.run_id == run_id, accepted.c.message == message)
        values = {"schema": tx.pack(schema, "accepted.schema", run_id, message)}
        if message not in known:
            tx.conn.execute(insert(accepted).values(run_id=run_id, message=message, **values))
        elif tx.show(known[message].schema, "accepted.schema", run_id, message) != schema:
            tx.conn.execute(update(accepted).where(*which).values(**values))


def hand_on(tx: Tx, old: str, new: str) -> None:
    """Let a run that continues another take the same messages, until its code says otherwise."""
    rows = tx.conn.execute(select(accepted).where(accepted.c.run_id == old)).all()
    schemas = {row.message: _schema(tx, old, row.message, row.schema) for row in rows}
    remember(tx, new, {name: schema for name, schema in schemas.items() if schema is not None})


def refuse_misfit(tx: Tx, run_id: str, kind: Kind, name: str, payload: Json) -> None:
    """Raise `MessageError` for a message that the run is known not to take; what is not known is let pass."""
    message = f"{kind} {name}"
    which = (accepted.c.run_id == run_id, accepted.c.message == message)
    packed = tx.conn.execute(select(accepted.c.schema).where(*which)).scalar()
    schema = None if packed is None else _schema(tx, run_id, message, packed)
    problem = None if schema is None else misfit(payload, schema, whole="the value")
    if problem is not None:
        raise MessageError(
            f"{kind.capitalize()} {name!r} does not fit what run {run_id} takes: {problem}. Found {short(payload)}; "
            f"expected {short(schema, 300)}. Nothing was sent."
        )


def _schema(tx: Tx, run_id: str, message: str, packed: bytes) -> Any:
    try:
        return tx.unpack(packed, "accepted.schema", run_id, message)
    except SealedPayloadError:
        return None  # the run itself judges what a process without its key sends
