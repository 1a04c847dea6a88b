"""Tells whether what comes back from a payload is what went in, and where it is not."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

_Compare = Callable[[Any, Any, str], str | None]
_MISSING = object()
_PLAIN = frozenset({str, int, bool, type(None), bytes})  # what is equal and of one type is the same


def difference(value: Any, back: Any, path: str = "") -> str | None:
    """Return where and how a value differs from what its payload decodes to, or None when nothing is lost.

    A value may come back as the base of its class only where the two are equal, such as a `StrEnum` that was declared
    as `str`, and a tuple may come back as a list because a type like `Sequence` promises neither.
    """
    return _compare_of(type(value))(value, back, path)


def _choose(kind: type[Any]) -> _Compare:  # noqa: PLR0911 - one line per kind of type
    if kind in _PLAIN:
        return _exact
    if issubclass(kind, Enum):
        return _enum
    if issubclass(kind, float):
        return _float
    if issubclass(kind, BaseModel):
        return _model
    if dataclasses.is_dataclass(kind):
        return _dataclass
    if issubclass(kind, list | tuple):
        return _sequence
    if issubclass(kind, dict):
        return _mapping
    if issubclass(kind, datetime | time):
        return _time
    return _decimal if issubclass(kind, Decimal) else _other


# mypy does not take a type for hashable, so the cached function is declared.
_compare_of: Callable[[Any], _Compare] = lru_cache(maxsize=4096)(_choose)


def _differs(value: Any, back: Any, path: str) -> str:
    if type(value) is not type(back):
        return f"{_at(path)}{_short(value)} ({_name(value)}) would come back as {_short(back)} ({_name(back)})"
    return f"{_at(path)}{_short(value)} would come back as {_short(back)}"


def _at(path: str) -> str:
    return f"{path.strip(' .')}: " if path else ""


def _name(value: Any) -> str:
    return type(value).__name__


def _short(value: Any, limit: int = 60) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value that cannot even be shown
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _exact(value: Any, back: Any, path: str) -> str | None:
    if type(value) is type(back) and value == back:
        return None
    # An int where a float is declared is right by Python's own rules for types.
    if type(value) is int and type(back) is float and value == back:
        return None
    return _differs(value, back, path)


def _enum(value: Any, back: Any, path: str) -> str | None:
    if value is back or (type(value) is type(back) and value == back):
        return None
    is_base = isinstance(value, str | int) and type(back) in {str, int} and value == back
    return None if is_base else _differs(value, back, path)


def _float(value: Any, back: Any, path: str) -> str | None:
    if not math.isfinite(value):
        return f"{_at(path)}{value!r} is not a number that JSON has; use None, or a text"
    if type(back) is float and value == back:
        return None
    return _differs(value, back, path)


def _decimal(value: Any, back: Any, path: str) -> str | None:
    same = isinstance(back, Decimal) and value.as_tuple() == back.as_tuple() and value.is_finite()
    return None if same else _differs(value, back, path)


def _time(value: Any, back: Any, path: str) -> str | None:
    same = isinstance(value, type(back)) and value == back and value.utcoffset() == back.utcoffset()
    return None if same else _differs(value, back, path)


def _sequence(value: Any, back: Any, path: str) -> str | None:
    named = hasattr(value, "_fields")
    if named or hasattr(back, "_fields"):
        fits = type(value) is type(back)
    else:
        fits = isinstance(back, list | tuple) and not (
            type(value) is list and type(back) is not list
        )
    if not fits or len(value) != len(back):
        return _differs(value, back, path)
    for index, (item, other) in enumerate(zip(value, back, strict=True)):
        if type(item) in _PLAIN and type(item) is type(other) and item == other:
            continue
        found = _compare_of(type(item))(item, other, f"{path}[{index}]")
        if found is not None:
            return found
    return None


def _mapping(value: Any, back: Any, path: str) -> str | None:
    if not isinstance(back, dict) or len(value) != len(back):
        return _differs(value, back, path)
    for (key, item), (other_key, other) in zip(value.items(), back.items(), strict=True):
        kind = type(item)
        known = type(key) is type(other_key) is str and key == other_key
        if known and kind in _PLAIN and kind is type(other) and item == other:
            continue
        found = _compare_of(type(key))(key, other_key, f"{path} key {_short(key)}")
        found = found or _compare_of(type(item))(item, other, f"{path}[{_short(key)}]")
        if found is not None:
            return found
    return None


def _model(value: Any, back: Any, path: str) -> str | None:
    if type(value) is not type(back) and _family(value) is not _family(back):
        return _subclass(value, back, path)
    found = _fields(value.__dict__, back.__dict__, _names_of_model(type(value)), path)
    extra = value.__pydantic_extra__
    return found or (difference(extra, back.__pydantic_extra__, path) if extra else None)


def _names_in(kind: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in kind.model_fields.items() if not field.exclude)


_names_of_model: Callable[[Any], tuple[str, ...]] = lru_cache(maxsize=4096)(_names_in)


def _family(value: Any) -> type[Any]:
    """Return the class of a model without its parameters: `Page` for `Page[int]`."""
    kind: type[Any] = type(value)
    generic = getattr(kind, "__pydantic_generic_metadata__", None)
    return (generic and generic["origin"]) or kind


def _dataclass(value: Any, back: Any, path: str) -> str | None:
    if type(value) is not type(back):
        return _subclass(value, back, path)
    names = _names_of_dataclass(type(value))
    old = {name: getattr(value, name, _MISSING) for name in names}
    new = {name: getattr(back, name, _MISSING) for name in names}
    return _fields(old, new, names, path)


def _names_of(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


_names_of_dataclass: Callable[[Any], tuple[str, ...]] = lru_cache(maxsize=4096)(_names_of)


def _fields(
    old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str], path: str
) -> str | None:
    for name in names:
        item = old.get(name, _MISSING)
        other = new.get(name, _MISSING)
        kind = type(item)
        if kind in _PLAIN and kind is type(other) and item == other:
            continue  # without the text of a path that nobody reads
        found = _compare_of(kind)(item, other, f"{path}.{name}")
        if found is not None:
            return found
    return None


def _subclass(value: Any, back: Any, path: str) -> str:
    if isinstance(value, type(back)):
        return (
            f"{_at(path)}a {_name(value)} would come back as a {_name(back)}, without what {_name(value)} adds; "
            f"declare {_name(value)}, or a union of the classes that may come"
        )
    return _differs(value, back, path)


def _other(value: Any, back: Any, path: str) -> str | None:
    if value is back:
        return None
    kind = type(value)
    if isinstance(value, set | frozenset) and isinstance(back, set | frozenset):
        return _set(value, back, path)
    if not isinstance(value, type(back)):
        return _differs(value, back, path)
    if kind is type(back) and "__eq__" not in {
        name for base in kind.__mro__[:-1] for name in vars(base)
    }:
        return None  # it has its own way through pydantic, and no opinion on equality
    return None if value == back else _differs(value, back, path)


def _set(
    value: set[Any] | frozenset[Any], back: set[Any] | frozenset[Any], path: str
) -> str | None:
    kinds = {(type(item), item) for item in value} == {(type(item), item) for item in back}
    return None if kinds or _promoted(value, back) else _differs(value, back, path)


def _promoted(value: set[Any] | frozenset[Any], back: set[Any] | frozenset[Any]) -> bool:
    """Tell whether two equal sets differ only as ints do where floats are declared, or as texts of a `StrEnum` do."""
    others = {item: item for item in back}
    return value == back and all(difference(item, others[item]) is None for item in value)
