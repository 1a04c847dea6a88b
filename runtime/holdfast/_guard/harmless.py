"""When a guarded call takes nothing from outside, by what it is handed.

A method gets its object, or its class, as the first argument.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import struct_time
from typing import Any, TypeAlias

Arguments: TypeAlias = tuple[Any, ...]
Names: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Harmless:
    """Tell when a call is let through; `refused` describes the other calls, behind the name in the reference."""

    when: Callable[[Arguments, Names], bool]
    refused: str


def _given(count: int) -> Callable[[Arguments, Names], bool]:
    def given(args: Arguments, names: Names) -> bool:
        values = (*args, *names.values())
        return len(values) >= count and values[count - 1] is not None

    return given


def _has_offset(args: Arguments, _names: Names) -> bool:
    return args[0].utcoffset() is not None


def _between_zones(args: Arguments, names: Names) -> bool:
    return args[0].utcoffset() is not None and _given(2)(args, names)


def _formats_no_local_zone(args: Arguments, names: Names) -> bool:
    """Tell whether `time.strftime` needs no local zone; without a time it is refused for that."""
    if not _given(2)(args, names):
        return True
    asked = {found[-1] for found in re.findall(r"%[-_0^#EO]*[a-zA-Z%]", str(args[0]))}
    knows_its_zone = isinstance(args[1], struct_time)
    return "s" not in asked and (knows_its_zone or not asked & {"Z", "z"})


def _parses_no_local_name(args: Arguments, _names: Names) -> bool:
    """Tell whether no name of a zone is read, or one that means the same everywhere."""
    text, form = str(args[0]), str(args[1]) if len(args) > 1 else ""
    return "%Z" not in form or re.search(r"\b(utc|gmt)\b", text, re.IGNORECASE) is not None


def _does_not_wait(args: Arguments, names: Names) -> bool:
    values = (*args[1:], *names.values())
    return bool(values) and values[-1] == 0


def _has_ended(args: Arguments, _names: Names) -> bool:
    return not args[0].is_alive()


def _has_something(args: Arguments, names: Names) -> bool:
    block = args[1] if len(args) > 1 else names.get("block", True)
    return not block or not args[0].empty()


HARMLESS = {
    "1": Harmless(_given(1), " without …"),
    "2": Harmless(_given(2), " without …"),  # of a method: the first is its object
    "3": Harmless(_given(3), " without …"),
    "aware": Harmless(_has_offset, " of a time without a zone"),
    "zoned": Harmless(_between_zones, " to or from the local zone"),
    "formatted": Harmless(_formats_no_local_zone, " of the local zone"),
    "parsed": Harmless(_parses_no_local_name, " of the name of a local zone"),
    "query": Harmless(lambda args, names: not _given(2)(args, names), " with …"),
    "zero": Harmless(_does_not_wait, " that waits"),
    "ended": Harmless(_has_ended, " that waits"),
    "stocked": Harmless(_has_something, " that waits"),
}
