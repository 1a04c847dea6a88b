"""Which columns hold sealed payloads, and how a row moves to another run: what is sealed is bound to its place."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Table

from holdfast._masking import logger
from holdfast._store.database import Tx
from holdfast.errors import PayloadError

log = logger("holdfast.worker")

# By table: what numbers the row within its run, the columns of bytes, and those of text.
SEALED: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "inbound": ("turn", ("body",), ()),
    "command": ("seq", ("body",), ()),
    "activity": ("seq", ("args", "beat"), ("error_message", "resolution")),
    "approval": ("seq", ("asked", "schema", "answer", "shows"), ("ask", "comment", "refused", "digest")),
    "vote": ("turn", ("answer",), ("comment", "saw")),
    "compensation": ("seq", ("args",), ()),
    "accepted": ("message", ("schema",), ()),
    "published": ("key", ("value",), ()),
}  # fmt: skip


@contextlib.contextmanager
def left_if_sealed(tx: Tx, what: str) -> Iterator[None]:
    """Undo what was begun for a row, and leave it to a process that can read it; the log says so once."""
    try:
        with tx.conn.begin_nested():
            yield
    except PayloadError as error:
        text = f"{what} is left to a process that can read what it needs: {error}"
        if tx.chain.is_news(text):
            log.warning("%s", text)


def moved(tx: Tx, table: Table, row: Row[Any], *, to: str) -> dict[str, Any]:
    """Return the values of a row for the same row of another run, or raise `SealedPayloadError`."""
    values = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's mapping
    number, in_bytes, in_text = SEALED.get(table.name, ("", (), ()))
    for column in (*in_bytes, *in_text):
        place = f"{table.name}.{column}"
        old, new = (place, row.run_id, values[number]), (place, to, values[number])
        move = tx.chain.move if column in in_bytes else tx.chain.move_text
        values[column] = move(values[column], old, new)
    return values | {"run_id": to}
