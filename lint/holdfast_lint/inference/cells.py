"""The memory that functions share during analysis, and the queue of functions that must be looked at again."""

from collections import deque
from typing import TypeAlias

from holdfast_lint.model import Class, Function
from holdfast_lint.module import Module
from holdfast_lint.values import NOTHING, Values, merged, narrowed

Unit: TypeAlias = Module | Function
Key: TypeAlias = tuple[Module | Class | Function, str]

# Cells that no name of the source can clash with.
RETURNED = "<returned>"
BASES = "<bases>"
FACTORIES = "<factories>"
BRANCHES = "<branches>"
ROLES = "<roles>"
WRAPPERS = "<wrappers>"


class Cells:
    """Map (owner, name) to values that only grow; growth puts the readers back on the queue.

    This is what makes the analysis a fixpoint: cycles of calls and of imports settle because cells grow and the
    number of values is finite.
    """

    def __init__(self) -> None:
        self._values: dict[Key, Values] = {}
        self._readers: dict[Key, dict[Unit, None]] = {}
        self._queue: deque[Unit] = deque()
        self._seen: dict[Unit, None] = {}
        self.patient = True

    def read(self, owner: Module | Class | Function, name: str, reader: Unit) -> Values:
        """Read a cell and remember who did."""
        self._readers.setdefault((owner, name), {})[reader] = None
        return self._values.get((owner, name), NOTHING)

    def write(self, owner: Module | Class | Function, name: str, values: Values) -> None:
        """Add possibilities to a cell."""
        key = (owner, name)
        known = self._values.get(key, NOTHING)
        if values <= known:
            return
        grown = narrowed(merged(known | values))
        if grown == known:
            return
        self._values[key] = grown
        for reader in self._readers.get(key, ()):
            self._enqueue(reader)

    def need(self, unit: Unit) -> None:
        """Ask for a first look at a unit."""
        if unit not in self._seen:
            self._seen[unit] = None
            self._enqueue(unit)

    def offer(self, owner: Module | Class | Function, name: str, values: Values) -> None:
        """Say what a cell may hold, unless something is known of it."""
        if not self._values.get((owner, name)):
            self.write(owner, name, values)

    def lose_patience(self) -> None:
        """Look at every unit once more; what is still empty now will stay so, and is to be treated as unknown."""
        self.patient = False
        for unit in self._seen:
            self._enqueue(unit)

    def take(self) -> Unit | None:
        """Take the next unit to look at."""
        return self._queue.popleft() if self._queue else None

    def every_value(self) -> Values:
        """Give everything that any cell holds."""
        return frozenset().union(*self._values.values())

    def _enqueue(self, unit: Unit) -> None:
        if unit not in self._queue:
            self._queue.append(unit)
