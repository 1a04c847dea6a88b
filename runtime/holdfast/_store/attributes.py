"""Search attributes and published values: what people read of a run without its code."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, select

from holdfast._store.database import Tx
from holdfast._store.ordering import by_number
from holdfast._store.tables import attribute, published, run
from holdfast.errors import ArgumentError
from holdfast.history import Json
from holdfast.payloads import from_bytes, to_bytes

_COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WHATEVER_ORDER = ("", "!=")
_OPERATOR = re.compile(r"^(?P<key>.*?)\s*(?P<op>!=|<=|>=|<|>|)$")


def store_attributes(tx: Tx, run_id: str, attributes: Mapping[str, Json]) -> None:
    """Set the attributes of a run, and remove those that are None.

    They are not sealed, because the database itself must compare them: `text` and `number` have the same content.
    """
    for key in attributes:
        tx.conn.execute(
            delete(attribute).where(attribute.c.run_id == run_id, attribute.c.key == key)
        )
    insert_attributes(tx, run_id, attributes)


def insert_attributes(tx: Tx, run_id: str, attributes: Mapping[str, Json]) -> None:
    """Store attributes that a run does not have; who only starts runs needs no right to delete."""
    for key, value in attributes.items():
        if value is not None:
            tx.conn.execute(
                insert(attribute).values(
                    run_id=run_id,
                    key=key,
                    value=to_bytes(value),
                    text=_text(value),
                    number=_number(value),
                )
            )


def attributes_of(tx: Tx, run_id: str) -> dict[str, Json]:
    """Return the attributes of a run."""
    rows = tx.conn.execute(
        select(attribute).where(attribute.c.run_id == run_id).order_by(by_number(attribute.c.key))
    )
    return {row.key: from_bytes(row.value) for row in rows}


def has_attribute(asked: Any, value: Json) -> ColumnElement[bool]:
    """Return the condition that a run has an attribute; `asked` is its key, with a comparison at its end if any.

    Numbers are compared as numbers, everything else as text.
    """
    found = _OPERATOR.match(asked) if isinstance(asked, str) else None
    key, sign = (found["key"], found["op"]) if found else ("", "")
    ordered = isinstance(value, bool) and sign not in _WHATEVER_ORDER
    if not key or set(key) & set("<>=!") or ordered or not _is_comparable(value):
        raise ArgumentError(
            f"where={{{asked!r}: {value!r}}}: expected the key of an attribute, which a comparison may follow, and a "
            'value: {"customer": "acme", "amount >=": 100}.'
        )
    number = _number(value)
    column: ColumnElement[Any] = attribute.c.number
    if number is None:
        column = attribute.c.text if sign in _WHATEVER_ORDER else by_number(attribute.c.text)
    compare, wanted = _COMPARISONS[sign], _text(value) if number is None else number
    return exists().where(
        attribute.c.run_id == run.c.id, attribute.c.key == key, compare(column, wanted)
    )


def _is_comparable(value: Json) -> bool:
    match value:
        case int():
            return abs(value) < 2**63
        case float():
            return math.isfinite(value)
        case _:
            return isinstance(value, str)


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Json) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


def publish(tx: Tx, run_id: str, turn: int, key: str, value: Json) -> None:
    """Replace what a run lets everybody read under a key."""
    tx.conn.execute(delete(published).where(published.c.run_id == run_id, published.c.key == key))
    packed = tx.pack(value, "published.value", run_id, key)
    tx.conn.execute(
        insert(published).values(run_id=run_id, key=key, value=packed, at=tx.now, turn=turn)
    )


def published_of(tx: Tx, run_id: str, *, lenient: bool = False) -> dict[str, Json]:
    """Return what a run has published; `lenient` puts a text in the place of what cannot be read here, for pages."""
    read = tx.show if lenient else tx.unpack
    rows = tx.conn.execute(
        select(published).where(published.c.run_id == run_id).order_by(by_number(published.c.key))
    )
    return {row.key: read(row.value, "published.value", run_id, row.key) for row in rows}
