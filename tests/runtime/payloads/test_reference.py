"""The table of types in the reference shows what is stored."""

import enum
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Union
from uuid import UUID

import pytest
from pydantic import BaseModel

from holdfast.codec import decode, encode
from holdfast.payloads import to_bytes

TABLE = Path(__file__).parents[3] / "docs/reference/payloads.md"


class Colour(enum.Enum):
    RED = "red"


class Order(BaseModel):
    sku: str
    tags: set[str]


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Item:
    name: str
    count: int


NAMES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Colour, Order, Point, Item, date, datetime, time, timedelta, Decimal, Path, UUID)
} | {"UTC": UTC, "Union": Union}
ROWS = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|$", TABLE.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("declared", "example", "stored"), ROWS)
def test_a_row_of_the_table_is_what_is_stored(declared: str, example: str, stored: str) -> None:
    kind, value = eval(declared, dict(NAMES)), eval(example, dict(NAMES))

    tree = encode(value, kind, what="it")

    assert to_bytes(tree).decode() == stored
    assert decode(tree, kind, what="it") == value


def test_the_table_has_rows() -> None:
    assert len(ROWS) > 20
