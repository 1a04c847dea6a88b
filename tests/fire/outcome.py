"""What every scenario says in the end."""

from typing import Protocol


class Outcome(Protocol):
    """Count the promises that were broken, and say in words what was seen."""

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""

    def __str__(self) -> str:
        """Return what was seen."""
