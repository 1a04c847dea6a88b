"""What is known about a database and its workers when somebody asks whether all is well, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.evidence import WorkerEvidence

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFacts:
    """Hold which schema a database has, and what differs from the one that this release expects of it."""

    version: str | None
    head: str
    min_compatible: str | None = None
    pending: tuple[str, ...] = ()
    newer: bool = False
    usable: bool = True
    missing: tuple[str, ...] = ()
    missing_indexes: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFacts:
    """Hold what lies under a database file; None where that cannot be known."""

    path: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    file_bytes: int | None = None
    wal_bytes: int | None = None
    unused_bytes: int | None = None
    free_bytes: int | None = None
    mode: int | None = None
    writable: bool = True
    file_system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """Hold a worker with the leases that it has, and its machine's clock less the database's, in milliseconds."""

    worker: WorkerEvidence
    leases: int = 0
    clock_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Count the open runs or activities that have something in common; `example` is the run of one of them."""

    name: str
    queue: str = ""
    count: int = 1
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Hold everything that the checks judge; instants and spans are milliseconds.

    `clock_offset` is this machine's clock less the database's, known up to `clock_doubt`. `blocked` are runs by cause,
    `runs` and `activities` what is open, by name and queue. `oldest_due` is when the oldest task that nobody has taken
    became due. `sealed_with` are keys that payloads of open runs need, and `known_keys` those that this process has.
    """

    now: int
    schema: SchemaFacts
    storage: StorageFacts = field(default_factory=StorageFacts)
    clock_offset: int | None = None
    clock_doubt: int = 0
    workers: Sequence[WorkerFacts] = ()
    blocked: Sequence[Group] = ()
    runs: Sequence[Group] = ()
    activities: Sequence[Group] = ()
    oldest_due: int | None = None
    sealed_with: Mapping[str, int] = field(default_factory=dict)
    known_keys: frozenset[str] = frozenset()
