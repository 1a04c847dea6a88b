"""What is known about a database and its workers when somebody asks whether all is well, as values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from holdfast._verdicts import Thresholds
from holdfast.evidence import WorkerEvidence

MB = 1_000_000
OLDEST_SERVER = (
    130_000  # as server_version_num says it: pg_current_xact_id_if_assigned came with it
)


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
    """Hold what lies under a database file; None where that cannot be known.

    `stopped` are processes that were stopped while they wrote.
    """

    path: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    file_bytes: int | None = None
    wal_bytes: int | None = None
    unused_bytes: int | None = None
    free_bytes: int | None = None
    mode: int | None = None
    writable: bool = True
    file_system: str | None = None
    stopped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSession:
    """Hold a session that has locked rows in a transaction and does nothing now, for `idle` milliseconds."""

    pid: int
    user: str
    program: str
    idle: int
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Hold how a Postgres server is set up, as far as the role that asks may see it.

    `connections` is how many this role may open to this database, `per_process` how many a process opens at most.
    `read_only` says why nothing can be written. `lacking` are privileges. `hears` is None where listening was not tried.
    """

    version: int
    settings: Mapping[str, str] = field(default_factory=dict)
    not_vacuumed: tuple[str, ...] = ()
    connections: int
    per_process: int
    idle: Sequence[IdleSession] = ()
    read_only: str = ""
    lacking: tuple[str, ...] = ()
    hears: bool | None = None


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
    became due. `server` is None for a file. `sealed_with` are keys that payloads of open runs need, and `known_keys` those that this process has.
    """

    now: int
    schema: SchemaFacts
    storage: StorageFacts = field(default_factory=StorageFacts)
    server: ServerFacts | None = None
    clock_offset: int | None = None
    clock_doubt: int = 0
    workers: Sequence[WorkerFacts] = ()
    blocked: Sequence[Group] = ()
    runs: Sequence[Group] = ()
    activities: Sequence[Group] = ()
    oldest_due: int | None = None
    sealed_with: Mapping[str, int] = field(default_factory=dict)
    known_keys: frozenset[str] = frozenset()


def living(f: Facts) -> Iterator[WorkerFacts]:
    """Return the workers that have given a sign of life lately."""
    return (item for item in f.workers if is_alive(f, item))


def is_alive(f: Facts, item: WorkerFacts) -> bool:
    """Tell whether a worker has given a sign of life lately, and has not said that it stops."""
    return (
        item.worker.stopped_at is None and f.now - item.worker.seen_at <= Thresholds().worker_dead
    )
