"""What is asked of a database: the statements of every engine in this process, and the transactions that write."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event

_WRITES = re.compile(r"(INSERT|UPDATE|DELETE)\b")
_SPACE = re.compile(r"\s+")


@dataclass(slots=True)
class Statements:
    """Hold each statement with how often it was sent, and how many transactions wrote something."""

    seen: Counter[str] = field(default_factory=Counter)
    commits: int = 0

    @property
    def sent(self) -> int:
        """Return how many statements were sent."""
        return self.seen.total()


@contextmanager
def recorded() -> Iterator[Statements]:
    """Note every statement until the end of the block."""
    found = Statements()
    writing: set[int] = set()

    def sent(conn: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        found.seen[_SPACE.sub(" ", statement).strip()] += 1
        if _WRITES.match(statement):
            writing.add(id(conn))

    def committed(conn: Connection) -> None:
        found.commits += id(conn) in writing
        writing.discard(id(conn))

    def rolled_back(conn: Connection) -> None:
        writing.discard(id(conn))

    hooks = (("before_cursor_execute", sent), ("commit", committed), ("rollback", rolled_back))
    for name, hook in hooks:
        event.listen(Engine, name, hook)
    try:
        yield found
    finally:
        for name, hook in hooks:
            event.remove(Engine, name, hook)
