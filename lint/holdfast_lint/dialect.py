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
    "order",
]


class Dialect(Protocol):
    """Name the entry points of a library and its replacements for forbidden work."""

    name: str
    packages: frozenset[str]
    # Whether the library itself refuses a clock or a random number in a workflow, whatever becomes of the value.
    refuses: bool

    def role(self, name: str) -> Role | None:
        """Tell what a decorator of this full name makes of a function."""

    def rebinds(self, attribute: str) -> bool:
        """Tell whether calling this attribute of an activity gives the activity again."""

    def is_awaitable(self, name: str) -> bool:
        """Tell whether a call of this full name does nothing, or nobody waits for it, until it is awaited."""

    def identity(self, name: str) -> frozenset[int | str] | None:
        """Say which arguments of a durable call name it for good; nothing when the call is not durable."""

    def is_log(self, name: str) -> bool:
        """Tell whether a call of this full name writes a log that replays leave out."""

    def advice(self, remedy: str) -> str:
        """Say in one sentence what to write instead."""
