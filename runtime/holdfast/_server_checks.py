"""The checks of `holdfast.doctor` that look at a Postgres server."""

from collections.abc import Iterator

from holdfast._facts import OLDEST_SERVER, Facts, living
from holdfast.health import span

_IDLE_FOR = 10_000
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def version(f: Facts) -> Iterator[str]:
    """Find a server that is too old."""
    if f.server is not None and f.server.version < OLDEST_SERVER:
        yield f"The server is Postgres {f.server.version // 10_000}; {OLDEST_SERVER // 10_000} or later is needed."


def durability(f: Facts) -> Iterator[str]:
    """Find settings with which a commit may be lost."""
    if f.server is not None:
        for name in _DURABLE:
            if f.server.settings.get(name) == "off":
                yield f"{name} is off."


def autovacuum(f: Facts) -> Iterator[str]:
    """Find what nobody cleans up."""
    if f.server is not None:
        if f.server.settings.get("autovacuum") == "off":
            yield "autovacuum is off."
        yield from (f"autovacuum is off for table {name}." for name in f.server.not_vacuumed)


def connections(f: Facts) -> Iterator[str]:
    """Find more workers than the server lets in."""
    if f.server is not None:
        count = sum(1 for _ in living(f))
        most = count * f.server.per_process
        if most > f.server.connections:
            yield f"{count} live worker{'s' * (count > 1)} may open {most} connections, and {f.server.connections} are allowed."


def idle_transactions(f: Facts) -> Iterator[str]:
    """Find sessions that hold locks and do nothing."""
    for item in () if f.server is None else f.server.idle:
        if item.idle > _IDLE_FOR:
            who = f"{item.user}, {item.program}" if item.program else item.user
            yield f"Session {item.pid} ({who}) has done nothing in its transaction for {span(item.idle)} and holds locks on {', '.join(item.tables)}."


def read_only(f: Facts) -> Iterator[str]:
    """Find a server that takes no writes."""
    if f.server is not None and f.server.read_only:
        yield f"The database takes no writes: {f.server.read_only}."


def privileges(f: Facts) -> Iterator[str]:
    """Find grants that are missing."""
    if f.server is not None:
        yield from (f"This role lacks {grant}." for grant in f.server.lacking)


def listen(f: Facts) -> Iterator[str]:
    """Find a connection on which nothing is heard."""
    if f.server is not None and f.server.hears is False:
        yield "A notification that was sent did not arrive at the session that listened for it."
