"""The verb that seals stored payloads again under the newest key, some rows at a time.

Each batch is one transaction, and a row is replaced only while it is as it was read, so workers may go on beside it. What
is sealed under the newest key already is passed over, so a pass that was broken off can simply be made again.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, select, update

from holdfast._store.database import Tx
from holdfast._store.sealing import SEALED
from holdfast._store.tables import inbound, run
from holdfast.errors import PayloadError, SealedPayloadError
from holdfast.history import canonical
from holdfast.payloads import Place

Cursor = tuple[int, tuple[Any, ...]]  # the number of the table, and the last row that was looked at

# What is not copied with a run: the column that names the run, what numbers the row, columns of bytes and of text.
_OTHERS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "run": ("id", "", ("result", "error"), ("pause_reason", "ending_reason")),
    "schedule": ("id", "", ("request",), ("pause_note",)),
    "wait": ("run_id", "seq", (), ("name",)),
    "update_request": ("first_run", "update", ("reply",), ()),
    "message": ("first_run", "message", (), ()),
}  # fmt: skip
_COLUMNS = {name: ("run_id", *rest) for name, rest in SEALED.items()} | _OTHERS
_TABLES = [run.metadata.tables[name] for name in _COLUMNS]


@dataclass(slots=True, kw_only=True)
class Batch:
    """Count what one batch found, by key, and what it changed; `after` is where the next begins, if there is more.

    `keys` has the keys under which payloads lie now, and "" for those that are plain.
    """

    looked: int = 0
    changed: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    after: Cursor | None = None


def reseal(tx: Tx, after: Cursor | None, *, limit: int) -> Batch:
    """Seal the payloads of the next rows again where another key than the newest has sealed them, or none."""
    number, last = after or (0, ())
    table = _TABLES[number]
    rows = tx.conn.execute(_following(table, last).limit(limit)).all()
    batch = Batch(looked=len(rows))
    for row in rows:
        _reseal_row(tx, table, dict(row._mapping), batch)  # noqa: SLF001 - the documented way to a row's mapping
    if len(rows) == limit:
        values = rows[-1]._mapping  # noqa: SLF001
        batch.after = (number, tuple(values[name] for name in _order(table)))
    elif number + 1 < len(_TABLES):
        batch.after = (number + 1, ())
    return batch


def _order(table: Table) -> list[str]:
    owner, number, *_ = _COLUMNS[table.name]
    return [owner, number] if number else [owner]


def _following(table: Table, last: tuple[Any, ...]) -> Any:
    columns = [table.c[name] for name in _order(table)]
    query = select(table).order_by(*columns)
    if not last:
        return query
    beyond: ColumnElement[bool] = columns[0] > last[0]
    if len(columns) > 1:
        beyond = or_(beyond, and_(columns[0] == last[0], columns[1] > last[1]))
    return query.where(beyond)


def _reseal_row(tx: Tx, table: Table, row: dict[str, Any], batch: Batch) -> None:
    owner, number, in_bytes, in_text = _COLUMNS[table.name]
    if table.name == "wait" and row["kind"] != "condition":
        return  # its name is that of a run, a signal or an approval
    place = (row[owner], row[number]) if number else (row[owner],)
    changed: dict[str, Any] = {}
    for column in (*in_bytes, *in_text):
        if row[column] is not None:
            made = _sealed_again(tx, row[column], (f"{table.name}.{column}", *place), batch)
            if made != row[column]:
                changed[column] = made
    digest = _digest_again(tx, table, row)
    if changed or digest:
        known = [table.c[name] == row[name] for name in (*_order(table), *changed)]
        done = tx.conn.execute(update(table).where(*known).values(**changed, **digest))
        batch.changed += done.rowcount * len(changed)


def _sealed_again(tx: Tx, stored: Any, place: Place, batch: Batch) -> Any:
    key = tx.chain.key_of(stored)
    if key == tx.chain.newest_key:
        batch.keys[key] += 1
        return stored
    move = tx.chain.move if isinstance(stored, bytes) else tx.chain.move_text
    try:
        made: Any = move(stored, place, place)
    except SealedPayloadError as error:
        batch.unreadable[error.key] += 1
        batch.keys[key] += 1
        return stored
    batch.keys[tx.chain.key_of(made)] += 1
    return made


# Keyed digests: they cannot be opened, but made again from what they are digests of


def _digest_again(tx: Tx, table: Table, row: dict[str, Any]) -> dict[str, str]:
    column = {"run": "request_digest", "message": "digest", "update_request": "digest"}.get(
        table.name, ""
    )
    if not column:
        return {}
    try:
        for text in _digested(tx, table, row):
            digest = hashlib.sha256(text.encode()).hexdigest()
            if row[column] in tx.chain.veils(digest) and row[column] != tx.chain.veil(digest):
                return {column: tx.chain.veil(digest)}
    except PayloadError:
        pass  # counted where the payload lies
    return {}


def _digested(tx: Tx, table: Table, row: dict[str, Any]) -> Iterator[str]:
    """Yield the texts of which the digest of a row may be one; that of a fork is never keyed."""
    if table.name == "run":
        yield canonical([row["workflow"], row["queue"], _body(tx, row["id"], 1)["args"]])
    elif table.name == "message":
        body = _body(tx, row["run_id"], row["turn"])
        yield canonical([body.get("name"), body.get("payload")])
    else:
        of_run = (inbound.c.run_id == row["run_id"], inbound.c.kind == "update_requested")
        for turn in tx.conn.execute(select(inbound.c.turn).where(*of_run)).scalars():
            body = _body(tx, row["run_id"], turn)
            if body.get("update") == row["update"]:
                yield canonical([body.get("name"), body.get("payload")])


def _body(tx: Tx, run_id: str, turn: int) -> dict[str, Any]:
    which = (inbound.c.run_id == run_id, inbound.c.turn == turn)
    packed = tx.conn.execute(select(inbound.c.body).where(*which)).scalar()
    body = {} if packed is None else tx.unpack(packed, "inbound.body", run_id, turn)
    return {"args": None} | (body if isinstance(body, dict) else {})
