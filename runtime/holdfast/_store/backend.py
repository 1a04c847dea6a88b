"""What a kind of database must offer, and the sentences for what goes wrong with one."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection

R = TypeVar("R")


@dataclass(slots=True)
class News:
    """Tell whether a transaction makes work, so that workers at rest are to hear of it when it commits."""

    any: bool = True
    wanted: bool = (
        False  # whatever else is said: somebody has left something to be had when it commits
    )


Work = Callable[[Connection, News], R]


class Backend(Protocol):
    """Run pieces of work in transactions of one database; whatever is raised is a `StoreError` or the work's own."""

    place: str
    """What people call the database: a path, or a URL without its password."""

    writers: int
    """How many write transactions it can carry out at once."""

    locks_rows: bool
    """Whether writers run side by side, so that a verb must lock the run that it changes."""

    connections: int
    """How many connections a process opens at most."""

    shares_thread: bool
    """Whether one connection reads and writes, so that everything must be done in turn."""

    def prepare(self, *, as_it_is: bool = False) -> None:
        """Bring the database to the schema of this release, unless it is opened as it is."""

    @property
    def pushes(self) -> bool:
        """Tell whether those who listen are rung at this time, so that they need not ask for changes."""

    def write(self, work: Work[R]) -> R:
        """Do some work in a write transaction, and ring where others listen if that is news."""

    def read(self, work: Work[R]) -> R:
        """Do some work in a read transaction that sees one state of the database."""

    def now(self, conn: Connection) -> int:
        """Return the database's time in milliseconds."""

    def changes(self) -> Hashable:
        """Return what differs from before when anything may have been committed since."""

    def listen(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Call `ring`, from any thread, when something was committed; return what ends that."""

    def hears(self) -> bool | None:
        """Tell whether what one connection tells another arrives; None where nothing of the kind can be tried."""

    def close(self) -> None:
        """Close every connection."""
