"""Checks of what callers pass: each says which argument it was, what it got, and what was expected."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

from holdfast.errors import ArgumentError

T = TypeVar("T")
NOTHING = timedelta(0)
MAX_NAME = 200
_MOST = 2**31 - 1  # what a column of Postgres holds


def refuse(where: str, name: str, value: object, expected: str) -> NoReturn:
    """Raise the error of an argument that is something else than `expected`; `where` is a call, or words."""
    given = f"{name}={_shown(value)}"
    is_call = where.replace(".", "").isidentifier()
    text = f"{where}({given}): " if is_call else f"{where}: {given}; "
    raise ArgumentError(f"{text}expected {expected}.")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - an object that cannot be shown must not hide what is wrong with it
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= 200 else f"{text[:199]}…"  # noqa: PLR2004 - what fits on a line or two


def check_duration(
    where: str, name: str, value: Any, *, least: timedelta | None = None, optional: bool = True
) -> None:
    """Raise `ArgumentError` unless `value` is a timedelta of at least `least`, or of more than no time at all."""
    if value is None and optional:
        return
    if not isinstance(value, timedelta):
        given = value if isinstance(value, int | float) and not isinstance(value, bool) else 30
        what = (
            f"a timedelta{' or None' if optional else ''}, for example timedelta(seconds={given!r})"
        )
        refuse(where, name, value, what)
    if least is not None and value < least:
        wanted = "that is not negative" if least == NOTHING else f"of {least} or more"
        refuse(where, name, value, f"a timedelta {wanted}")
    if least is None and value <= NOTHING:
        refuse(where, name, value, "a positive timedelta, because this leaves no time at all")


def check_whole(
    where: str,
    name: str,
    value: Any,
    *,
    least: int,
    optional: bool = False,
    of: str = "a whole number",
) -> None:
    """Raise `ArgumentError` unless `value` is a whole number of at least `least` that a database can hold."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        refuse(where, name, value, f"{of}, {least} or more{', or None' if optional else ''}")
    if value > _MOST:
        refuse(where, name, value, f"{of}, at most {_MOST}{', or None' if optional else ''}")


def check_text(
    where: str, name: str, value: Any, *, optional: bool = False, what: str = ""
) -> None:
    """Raise `ArgumentError` unless `value` is a text of at least one character that is not a space."""
    if value is None and optional:
        return
    if not isinstance(value, str) or not value.strip():
        refuse(where, name, value, f"a str{what and f', {what}'}{' or None' if optional else ''}")


def check_kind(
    where: str,
    name: str,
    value: Any,
    kind: type | tuple[type, ...],
    expected: str,
    *,
    optional: bool = False,
) -> None:
    """Raise `ArgumentError` unless `value` is of a type; `expected` says which in words."""
    if not (optional and value is None) and not isinstance(value, kind):
        refuse(where, name, value, expected)


def check_type(where: str, name: str, value: Any) -> None:
    """Raise `ArgumentError` for a value in the place of a type."""
    if isinstance(value, str | bytes | int | float | list | tuple | dict | set):
        refuse(where, name, value, "a type, for example str, list[int] or a model")


def check_run_id(run_id: Any) -> None:
    """Raise `ArgumentError` for what cannot be the id of a run, such as a handle on one."""
    if not isinstance(run_id, str):
        refuse("Which run", "run_id", run_id, "its id, a str such as handle.id")


def check_choice(where: str, name: str, value: Any, known: Collection[str]) -> None:
    """Raise `ArgumentError` unless `value` is one of a few words."""
    if not isinstance(value, str) or value not in known:
        refuse(where, name, value, f"one of {', '.join(map(repr, known))}")


def checked_list(where: str, name: str, value: Any, kind: type[T], expected: str) -> list[T]:
    """Return the items of `value`, or raise `ArgumentError` when it is no list of values of a type."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        refuse(where, name, value, f"a list of {expected}")
    items = list(value)
    for item in items:
        if not isinstance(item, kind):
            refuse(where, name, items, f"a list of {expected}, and {_shown(item)} is none")
    return items


def checked_by(by: Any, call: str) -> None:
    """Raise `ArgumentError` unless `by` can stand in a record as the name of a person."""
    if not isinstance(by, str) or not by.strip() or len(by) > MAX_NAME:
        raise ArgumentError(
            f"{call}(by=…) needs 1 to {MAX_NAME} characters: the record must say who it was."
        )
