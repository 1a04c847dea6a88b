"""All dialects, found in `dialects/`: a table each."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from holdfast_lint.dialect import (
    ACTIVITIES,
    KINDS,
    PURPOSES,
    REMEDIES,
    Context,
    Dialect,
    Dialects,
    Operation,
    Role,
)

T = TypeVar("T")
KEYS = frozenset(
    {
        "name", "verified", "packages", "common", "entry", "waits", "numbering", "role", "context", "operation",
        "rebinds", "durable", "guards", "lifts", "uncatchable", "same", "gives", "instead", "advice", "refuses", "loggers", "eager",
        "converts", "patches", "versions",
    }
)  # fmt: skip
ROLE_KEYS = frozenset({"kind", "decorators", "registers", "takes", "bases", "method", "direct"})
OPERATION_KEYS = frozenset(
    {
        "purpose", "under", "calls", "awaited", "records", "runs", "context", "identity", "timeout", "default", "needs", "asks", "late",
    }
)  # fmt: skip
CONTEXT_KEYS = frozenset({"type", "position", "plain", "tells"})
REQUIRED = ("name", "verified", "packages", "entry", "waits", "numbering", "advice")


class DialectError(ValueError):
    """Say what is wrong with a table."""


@cache
def load_dialects() -> Dialects:
    """Read every table once."""
    folder = files("holdfast_lint").joinpath("dialects")
    tables = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return Dialects(read_dialect(file.read_text(encoding="utf-8")) for file in tables)


def read_dialect(text: str) -> Dialect:
    """Read a table.

    Raises:
        DialectError: if a key is unknown or missing, a name stands twice, or a remedy lacks its advice.
    """
    table = tomllib.loads(text)
    name = table.get("name", "?")
    _check(table, KEYS, name, "the table")
    if missing := [key for key in REQUIRED if key not in table]:
        raise DialectError(f"{name}: the table lacks the key {missing[0]!r}")
    advice = table["advice"]
    if set(advice) != set(REMEDIES):
        raise DialectError(f"{name}: the advice must be that for {', '.join(REMEDIES)}")
    roles, bases = _roles(name, table.get("role", ()))
    return Dialect(
        name=name,
        verified=table["verified"],
        packages=frozenset(table["packages"]),
        common=table.get("common", False),
        entry=table["entry"],
        waits=table["waits"],
        eager=table.get("eager", False),
        converts=table.get("converts", False),
        numbering=table["numbering"],
        roles=roles,
        bases=bases,
        context=_context(name, table["context"]) if "context" in table else None,
        operations=_operations(name, table.get("operation", ())),
        rebinds=frozenset(table.get("rebinds", ())),
        durable=frozenset(table.get("durable", ())),
        guards=frozenset(table.get("guards", ())),
        lifts=frozenset(table.get("lifts", ())),
        uncatchable=frozenset(table.get("uncatchable", ())),
        same=table.get("same", {}),
        gives=table.get("gives", {}),
        instead=table.get("instead", {}),
        advice=advice,
        refuses=table.get("refuses", False),
        loggers=tuple(table.get("loggers", ())),
        patches=table.get("patches"),
        versions=frozenset(table.get("versions", ())),
    )


def _context(dialect: str, entry: Mapping[str, Any]) -> Context:
    _check(entry, CONTEXT_KEYS, dialect, "the context")
    return Context(
        type=entry["type"],
        position=entry["position"],
        plain=entry.get("plain", entry["type"]),
        tells=entry.get("tells", False),
    )


def _roles(
    dialect: str, entries: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Role], dict[str, Role]]:
    roles: dict[str, Role] = {}
    bases: dict[str, Role] = {}
    for entry in entries:
        _check(entry, ROLE_KEYS, dialect, "a role")
        kind = entry["kind"]
        if kind not in KINDS or (kind in ACTIVITIES) is not ("direct" in entry):
            raise DialectError(
                f"{dialect}: {kind!r} is no kind of role, or lacks or wrongly has `direct`"
            )
        role = Role(
            kind=kind,
            dialect=dialect,
            direct=entry.get("direct"),
            takes=tuple(entry.get("takes", ())),
            method=entry.get("method"),
        )
        _add(roles, entry.get("decorators", ()), role, dialect)
        _add(roles, entry.get("registers", ()), role, dialect)
        _add(bases, entry.get("bases", ()), role, dialect)
        if ("registers" in entry) is not bool(role.takes) or ("bases" in entry) is not bool(
            role.method
        ):
            raise DialectError(
                f"{dialect}: `registers` goes with `takes`, and `bases` with `method`"
            )
    return roles, bases


def _operations(dialect: str, entries: Iterable[Mapping[str, Any]]) -> dict[str, Operation]:
    operations: dict[str, Operation] = {}
    for entry in entries:
        _check(entry, OPERATION_KEYS, dialect, "an operation")
        if entry["purpose"] not in PURPOSES:
            raise DialectError(f"{dialect}: {entry['purpose']!r} is no purpose of an operation")
        operation = Operation(
            purpose=entry["purpose"],
            dialect=dialect,
            awaited=entry.get("awaited", False),
            context=entry.get("context"),
            default=entry.get("default"),
            asks=entry.get("asks", False),
            late=entry.get("late"),
            needs=tuple(entry.get("needs", ())),
            **{
                key: tuple(entry.get(key, ())) for key in ("records", "runs", "identity", "timeout")
            },
        )
        _add(operations, _full(entry), operation, dialect)
    return operations


def _full(entry: Mapping[str, Any]) -> Iterator[str]:
    for call in entry["calls"]:
        yield f"{entry['under']}.{call}" if "under" in entry else call


def _add(table: dict[str, T], names: Iterable[str], value: T, dialect: str) -> None:
    for name in names:
        if name in table:
            raise DialectError(f"{dialect}: {name!r} stands twice")
        table[name] = value


def _check(table: Mapping[str, Any], known: frozenset[str], dialect: str, what: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise DialectError(f"{dialect}: {what} has an unknown key {unknown[0]!r}")
