"""What the rows of workers say about the fleet."""

from typing import Any

from sqlalchemy import Row

from holdfast.payloads import from_bytes


def queues_of(row: Row[Any]) -> tuple[str, ...]:
    """Return the queues that a worker serves; the first release wrote only one."""
    return (row.queue,) if row.queues is None else tuple(from_bytes(row.queues))


def patches_of(row: Row[Any]) -> dict[str, list[str]]:
    """Return the ids of the patches that a worker knows, by workflow; the first release wrote none."""
    return {} if row.patches is None else dict(from_bytes(row.patches))
