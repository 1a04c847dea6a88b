"""What has changed between two payloads, field by field."""

from collections.abc import Iterator
from typing import Any

from holdfast.history import Json, canonical

_SHORT = 60
_MOST = 20
_NONE: Any = object()


def changes_of(
    field: str, recorded: Json, produced: Json, *, completed: Json = None
) -> tuple[str, ...]:
    """Return each difference between a recorded payload and the one that the code produces now, as a line of text.

    `completed` is the recorded payload as today's types read it: a field that is added there too has its default.
    """
    lines = list(_walk(field, recorded, produced, completed))
    return tuple(lines[:_MOST]) + (
        (f"and {len(lines) - _MOST} more",) if len(lines) > _MOST else ()
    )


def _walk(path: str, old: Json, new: Json, completed: Json) -> Iterator[str]:
    parts: list[tuple[str, Any, Any, Any]]
    match old, new:
        case dict(), dict():
            filled = completed if isinstance(completed, dict) else {}
            keys = [*old, *(key for key in new if key not in old)]
            parts = [
                (f"{path}.{key}", old.get(key, _NONE), new.get(key, _NONE), filled.get(key, _NONE))
                for key in keys
            ]
        case list(), list():
            full = completed if isinstance(completed, list) else []
            length = max(len(old), len(new))
            parts = [
                (f"{path}[{index}]", _at(old, index), _at(new, index), _at(full, index))
                for index in range(length)
            ]
        case _:
            if canonical(old) != canonical(new):
                yield f"{path}: was {_short(old)}, now {_short(new)}"
            return
    for place, was, now, filled_in in parts:
        yield from _part(place, was, now, filled_in)


def _part(place: str, was: Any, now: Any, filled_in: Any) -> Iterator[str]:
    if now is _NONE:
        yield f"{place}: removed, was {_short(was)}"
    elif was is _NONE:
        yield f"{place}: added, {'default ' if filled_in == now else ''}{_short(now)}"
    else:
        yield from _walk(place, was, now, None if filled_in is _NONE else filled_in)


def _at(row: list[Json], index: int) -> Any:
    return row[index] if index < len(row) else _NONE


def _short(value: Json) -> str:
    text = canonical(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
