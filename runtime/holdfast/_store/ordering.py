"""Texts in one order, whatever the collation of a Postgres database is: that of their characters' numbers, as in SQLite."""

from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _ByNumber(FunctionElement[str]):
    type: TypeEngine[str] = Text()
    inherit_cache: bool | None = True


@compiles(_ByNumber)
def _as_it_is(element: _ByNumber, compiler: Any, **how: Any) -> str:
    found: str = compiler.process(element.clauses, **how)
    return found


@compiles(_ByNumber, "postgresql")
def _collated(element: _ByNumber, compiler: Any, **how: Any) -> str:
    return f'{compiler.process(element.clauses, **how)} COLLATE "C"'


def by_number(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a column of texts for ordering and comparing it; the hot path does without, and takes what its indexes have."""
    return _ByNumber(column)
