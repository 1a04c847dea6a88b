"""What the checker must know about one durable-workflow library."""

from typing import Literal, Protocol

Role = Literal["workflow", "activity"]
Remedy = Literal[
    "now",
    "elapsed",
    "zone",
    "random",
    "uuid",
    "sleep",
    "wait",
    "logger",
    "activity",
    "input",
    "visible",
]


class Dialect(Protocol):
    """Name the entry points of a library and its replacements for forbidden work."""

    name: str
    packages: frozenset[str]

    def role(self, name: str) -> Role | None:
        """Tell what a decorator of this full name makes of a function."""

    def rebinds(self, attribute: str) -> bool:
        """Tell whether calling this attribute of an activity gives the activity again."""

    def is_awaitable(self, name: str) -> bool:
        """Tell whether a call of this full name does nothing, or nobody waits for it, until it is awaited."""

    def advice(self, remedy: str) -> str:
        """Say in one sentence what to write instead."""
