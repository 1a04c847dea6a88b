"""Whether a database and its workers are in order, decided from facts alone.

`CHECKS` is the public list: each check has a code, says what it means when it finds something, and what to do then.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from holdfast import _server_checks as of_server
from holdfast._facts import (
    MB,
    Facts,
    Group,
    IdleSession,
    SchemaFacts,
    ServerFacts,
    StorageFacts,
    WorkerFacts,
    is_alive,
    living,
)
from holdfast._verdicts import Thresholds
from holdfast.health import span

__all__ = [
    "CHECKS",
    "Check",
    "Facts",
    "Finding",
    "Group",
    "IdleSession",
    "SchemaFacts",
    "ServerFacts",
    "Severity",
    "StorageFacts",
    "WorkerFacts",
    "diagnose",
    "exit_code",
]

_NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
    }
)
_SETTINGS = {
    "journal_mode": ("wal", "memory"),
    "synchronous": ("full", "extra"),
    "foreign_keys": ("on",),
}
_CLOCK_LIMIT = 1_000
_WAL_LIMIT = 256 * MB
_UNUSED_LIMIT = 256 * MB
_DISK_LOW = 1_000 * MB
_DISK_FULL = 50 * MB
_DEAD_FOR = 86_400_000  # what died longer ago and holds nothing is history
_OTHERS_MAY_READ = 0o004


class Severity(IntEnum):
    """Order findings; the exit code of `holdfast doctor` is that of the worst."""

    NOTICE = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Describe one check: `judge` yields a sentence for each thing that it finds in the facts."""

    code: str
    severity: Severity
    judge: Callable[[Facts], Iterator[str]]
    means: str
    do: str

    @property
    def of_schema(self) -> bool:
        """Tell whether `holdfast db check` makes it."""
        return self.code.partition(".")[0] in {"schema", "settings"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Say what a check has found, what that means, and what to do."""

    code: str
    severity: Severity
    what: str
    means: str
    do: str


def diagnose(facts: Facts, *, schema_only: bool = False) -> list[Finding]:
    """Return what the checks find, the worst first."""
    found = [
        Finding(code=check.code, severity=check.severity, what=what, means=check.means, do=check.do)
        for check in CHECKS.values()
        if check.of_schema or not schema_only
        for what in check.judge(facts)
    ]
    return sorted(found, key=lambda finding: -finding.severity)


def exit_code(findings: list[Finding]) -> int:
    """Return 0 for nothing but notices, 1 for warnings, 2 for errors."""
    return max((int(finding.severity) for finding in findings), default=0)


# What each check looks at


def _too_new(f: Facts) -> Iterator[str]:
    if f.schema.newer and not f.schema.usable:
        needed = f.schema.min_compatible or f.schema.version
        yield f"The schema is {f.schema.version}, and this release, of schema {f.schema.head}, may not use it: schema {needed} is needed."


def _newer(f: Facts) -> Iterator[str]:
    if f.schema.newer and f.schema.usable:
        yield f"The schema is {f.schema.version}, of a newer release; this one, of schema {f.schema.head}, works with it."


def _pending(f: Facts) -> Iterator[str]:
    if f.schema.pending:
        yield f"The schema is {f.schema.version or 'not there'}; pending: {', '.join(f.schema.pending)}."


def _missing(f: Facts) -> Iterator[str]:
    if not f.schema.pending:
        yield from (f"There is no {name}." for name in f.schema.missing)


def _missing_indexes(f: Facts) -> Iterator[str]:
    if not f.schema.pending:
        yield from (f"There is no index {name}." for name in f.schema.missing_indexes)


def _extra(f: Facts) -> Iterator[str]:
    if not f.schema.newer and f.schema.extra:
        yield f"Not of holdfast: {', '.join(f.schema.extra)}."


def _damage(f: Facts) -> Iterator[str]:
    yield from f.schema.damage


def _settings(f: Facts) -> Iterator[str]:
    for name, allowed in _SETTINGS.items():
        value = f.storage.settings.get(name)
        if value is not None and value not in allowed:
            yield f"{name} is {value}; expected {allowed[0]}."


def _network(f: Facts) -> Iterator[str]:
    kind = f.storage.file_system
    if kind is not None and (kind in _NETWORK or kind.startswith("fuse.")):
        yield f"{f.storage.path} lies on a file system of kind {kind}."


def _read_only(f: Facts) -> Iterator[str]:
    if not f.storage.writable:
        yield f"{f.storage.path}, or its folder, cannot be written by this user."


def _readable(f: Facts) -> Iterator[str]:
    if f.storage.mode is not None and f.storage.mode & _OTHERS_MAY_READ:
        yield f"{f.storage.path} can be read by every user of this machine (mode {f.storage.mode:04o})."


def _stopped(f: Facts) -> Iterator[str]:
    for pid in f.storage.stopped:
        yield f"Process {pid} was stopped while it wrote to {f.storage.path}."


def _disk_full(f: Facts) -> Iterator[str]:
    if f.storage.free_bytes is not None and f.storage.free_bytes < _DISK_FULL:
        yield f"{_size(f.storage.free_bytes)} are free where {f.storage.path} lies."


def _disk_low(f: Facts) -> Iterator[str]:
    if f.storage.free_bytes is not None and _DISK_FULL <= f.storage.free_bytes < _DISK_LOW:
        yield f"{_size(f.storage.free_bytes)} are free where {f.storage.path} lies."


def _wal(f: Facts) -> Iterator[str]:
    if (f.storage.wal_bytes or 0) > _WAL_LIMIT:
        yield f"The write-ahead log has {_size(f.storage.wal_bytes or 0)}."


def _unused(f: Facts) -> Iterator[str]:
    if (f.storage.unused_bytes or 0) > _UNUSED_LIMIT:
        yield f"{_size(f.storage.unused_bytes or 0)} of {_size(f.storage.file_bytes or 0)} are unused."


def _machine_clock(f: Facts) -> Iterator[str]:
    if f.clock_offset is not None and abs(f.clock_offset) > _CLOCK_LIMIT + f.clock_doubt:
        yield f"This machine's clock is {_offset(f.clock_offset)} that of the database."


def _worker_clocks(f: Facts) -> Iterator[str]:
    for item in f.workers:
        if (
            item.clock_offset is not None
            and abs(item.clock_offset) > _CLOCK_LIMIT
            and is_alive(f, item)
        ):
            host = item.worker.host
            yield f"The clock of {host} is {_offset(item.clock_offset)} that of the database (worker {item.worker.id})."


def _dead(f: Facts) -> Iterator[str]:
    for item in f.workers:
        silent = f.now - item.worker.seen_at
        gone = item.worker.stopped_at is None and not is_alive(f, item)
        if gone and (item.leases or silent < _DEAD_FOR):
            leases = (
                "no leases" if not item.leases else f"{item.leases} lease{'s' * (item.leases > 1)}"
            )
            yield f"Worker {item.worker.id} was last seen {span(silent)} ago and holds {leases}."


def _loop(f: Facts) -> Iterator[str]:
    for item in f.workers:
        stale = f.now - item.worker.loop_seen_at
        if is_alive(f, item) and stale > Thresholds().loop_stale:
            yield f"The event loop of worker {item.worker.id} has not moved for {span(stale)}: {item.worker.stack or 'nobody knows where'}."


def _blocked(f: Facts) -> Iterator[str]:
    for group in f.blocked:
        yield f"{_runs(group.count)} blocked by {group.name}; for example {group.example}."


def _no_worker(f: Facts) -> Iterator[str]:
    for group in f.runs:
        if not any(
            group.queue in item.worker.queues and group.name in item.worker.workflows
            for item in living(f)
        ):
            yield f"No live worker of queue {group.queue!r} knows workflow {group.name}: {_runs(group.count)} open; for example {group.example}."


def _no_activity_worker(f: Facts) -> Iterator[str]:
    for group in f.activities:
        if not any(
            group.queue in item.worker.queues and group.name in item.worker.activities
            for item in living(f)
        ):
            yield f"No live worker of queue {group.queue!r} knows activity {group.name}: {group.count} open; for example in {group.example}."


def _overdue(f: Facts) -> Iterator[str]:
    if f.oldest_due is not None and f.now - f.oldest_due > Thresholds().late:
        yield f"The oldest task that nobody has taken has been due for {span(f.now - f.oldest_due)}."


def _keys(f: Facts) -> Iterator[str]:
    for key, count in sorted(f.sealed_with.items()):
        if key not in f.known_keys:
            yield f"Key {key} is not known here; open runs with payloads under it: {count}."


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count > 1)}"


def _offset(offset: int) -> str:
    return f"{abs(offset) / 1000:.1f} s {'ahead of' if offset > 0 else 'behind'}"


def _size(count: int) -> str:
    return f"{count / MB:.0f} MB"


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTICE
CHECKS: dict[str, Check] = {
    code: Check(code=code, severity=severity, judge=judge, means=means, do=do)
    for code, severity, judge, means, do in (
        ("schema.too_new", _E, _too_new, "a newer release has taken something away that this one needs", "upgrade holdfast"),
        ("schema.newer", _N, _newer, "a newer release has upgraded the database and left this one able to work", "upgrade holdfast when the roll-out goes on"),
        ("schema.pending", _W, _pending, "this release needs a newer schema; workers of the release before go on with both", "`holdfast db upgrade`"),
        ("schema.missing", _E, _missing, "a table or column of this schema was taken away, so statements fail", "restore the database from a copy"),
        ("schema.missing_index", _W, _missing_indexes, "claims, lists or retention read whole tables", "create it as the newest schema has it: `holdfast db upgrade --sql` on an empty database prints all"),
        ("schema.extra", _N, _extra, "somebody has added tables, columns or indexes of their own", "nothing, unless they slow down writing"),
        ("schema.damage", _E, _damage, "the file is damaged: by hardware, by a copy made while it was written, or by a network file system", "stop all workers and restore a copy; `sqlite3 FILE .recover` saves what can be read"),
        ("settings.weak", _E, _settings, "what was acknowledged may be lost when the machine loses power, or readers hold up writers", "move the file to a local disk; look for a program that changes its settings"),
        ("file.network", _E, _network, "locks of network file systems are unreliable: SQLite files on them get damaged", "move the file to a local disk, or use a database server"),
        ("file.read_only", _E, _read_only, "nothing can be started or advanced by this user", "correct the owner or the mode of the file and its folder"),
        ("file.readable", _N, _readable, "payloads can be read by everybody with an account here", "`chmod o-rwx FILE*`, or encrypt payloads"),
        ("file.stopped", _E, _stopped, "it holds the lock of the file: reading works, and whoever writes gives up after 15 seconds", "`kill -CONT PID` lets it go on, `kill -KILL PID` undoes what it had begun"),
        ("disk.full", _E, _disk_full, "commits will fail soon; workers hold then, and go on when there is room", "make room; archive closed runs with `holdfast archive`"),
        ("disk.low", _W, _disk_low, "the disk may be full soon", "make room; archive closed runs with `holdfast archive`"),
        ("disk.wal", _W, _wal, "a reader that never ends keeps the log from being folded into the file", "end long transactions and copies; stop and start the workers"),
        ("disk.unused", _N, _unused, "rows were deleted, and their space is used again before the file grows", "nothing; `VACUUM` gives it back, while no worker runs"),
        ("server.version", _E, of_server.version, "it has no functions by which a commit is told from one that did not happen", "move the database to a newer server"),
        ("server.durability", _E, of_server.durability, "what was acknowledged may be lost when the server stops hard; without fsync or full_page_writes all of it may be damaged", "`ALTER SYSTEM SET … = on` and `SELECT pg_reload_conf()`; look for an ALTER ROLE or ALTER DATABASE that says otherwise"),
        ("server.autovacuum", _W, of_server.autovacuum, "rows that were changed or deleted are never cleaned up: tables grow, and statements get slower", "`ALTER SYSTEM SET autovacuum = on`, `ALTER TABLE … RESET (autovacuum_enabled)`; until then run `VACUUM` by yourself"),
        ("server.connections", _W, of_server.connections, "under load some workers get no connection; they hold then, and try again", "raise max_connections or the limit of the role or database, or start fewer workers with more slots"),
        ("server.idle_transaction", _W, of_server.idle_transactions, "what it has locked cannot be changed by others: they wait, and give up after 15 seconds", "let the program end its transaction, or `SELECT pg_terminate_backend(PID)`"),
        ("server.read_only", _E, of_server.read_only, "nothing can be started or advanced here", "name all servers in the URL, so that the one that takes writes is used; or let writing be allowed again"),
        ("server.privileges", _E, of_server.privileges, "statements that need it are refused; a migration may have made the table", "as the owner: `holdfast db roles --apply`"),
        ("server.listen", _W, of_server.listen, "workers find new work only by looking for it; something between here and the server, such as PgBouncer with pool_mode = transaction, gives sessions to others, which breaks prepared statements, too", "connect to the server itself, or let the pooler keep sessions together: pool_mode = session"),
        ("clock.machine", _W, _machine_clock, "leases and timers use the database's clock; only the times in this machine's logs are off", "set the clock by NTP"),
        ("clock.worker", _W, _worker_clocks, "leases and timers use the database's clock; time limits inside activities and logs there are off", "set the clock of that machine by NTP"),
        ("worker.dead", _W, _dead, "the process was killed, or cannot reach the database; others take its leases over when they end", "start it again; look at its last log lines"),
        ("worker.blocked_loop", _W, _loop, "blocking code runs in the event loop: its runs and async activities stand still", "restart it; move the call into a `def` activity"),
        ("run.blocked", _W, _blocked, "code and history do not agree, or the code has a bug; nothing is lost", "`holdfast why RUN`; the runs go on by themselves on code that fits"),
        ("run.no_worker", _E, _no_worker, "nobody can advance these runs", "`holdfast worker MODULE --queue QUEUE`"),
        ("activity.no_worker", _E, _no_activity_worker, "nobody can carry these activities out", "`holdfast worker MODULE --queue QUEUE`"),
        ("task.overdue", _W, _overdue, "there are too few workers or slots, or none, or a limit holds it back", "add workers or slots; `holdfast why RUN` names a limit"),
        ("keys.missing", _E, _keys, "a process with these keys only holds such runs", "add the key to HOLDFAST_KEYS of every process"),
    )
}  # fmt: skip
