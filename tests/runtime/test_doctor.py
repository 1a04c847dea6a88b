"""Each check finds what it is for and nothing else, from facts; and the facts are gathered from real databases."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from holdfast import Client, Worker, activity, workflow
from holdfast._examining import examine
from holdfast._store.database import Tx
from holdfast._store.tables import worker as worker_table
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.doctor import (
    CHECKS,
    Facts,
    Finding,
    Group,
    IdleSession,
    SchemaFacts,
    ServerFacts,
    Severity,
    StorageFacts,
    WorkerFacts,
    diagnose,
    exit_code,
)
from holdfast.evidence import WorkerEvidence
from holdfast.payloads import Encrypt, new_key

NOW = 1_000_000_000
MINUTE = 60_000
GB = 1_000_000_000
DOCUMENT = Path(__file__).parents[2] / "docs/reference/doctor.md"


def a_worker(
    *,
    seen: int = 0,
    loop: int = 0,
    stopped: int | None = None,
    leases: int = 0,
    offset: int | None = 0,
) -> WorkerFacts:
    row = WorkerEvidence(
        id="w-1", host="attic", pid=7, queues=("default",), workflows={"order": "f1"}, activities=frozenset({"pay"}),
        slots=20, busy=0, started_at=0, seen_at=NOW - seen, loop_seen_at=NOW - loop, stopped_at=stopped, stack="a.py:3 in f",
    )  # fmt: skip
    return WorkerFacts(worker=row, leases=leases, clock_offset=offset)


FINE = Facts(
    now=NOW,
    schema=SchemaFacts(version="0009", head="0009", min_compatible="0004"),
    storage=StorageFacts(
        path="/data/h.db", settings={"journal_mode": "wal", "synchronous": "full", "foreign_keys": "on"},
        file_bytes=GB, wal_bytes=0, unused_bytes=0, free_bytes=50 * GB, mode=0o600, writable=True, file_system="ext4",
    ),
    clock_offset=12,
    clock_doubt=3,
    workers=(a_worker(),),
    runs=(Group(name="order", queue="default", count=3, example="r-1"),),
    activities=(Group(name="pay", queue="default", count=2, example="r-1"),),
    oldest_due=NOW - 5_000,
    sealed_with={"k1": 2},
    known_keys=frozenset({"k1"}),
)  # fmt: skip


SERVER = ServerFacts(
    version=180_000, connections=97, per_process=7, hears=True,
    settings={"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"},
    idle=(IdleSession(pid=7, user="ana", program="psql", idle=9_000, tables=("run",)),),
)  # fmt: skip


def server(**changes: Any) -> Facts:
    return replace(FINE, server=replace(SERVER, **changes))


def schema(**changes: Any) -> Facts:
    return replace(FINE, schema=replace(FINE.schema, **changes))


def storage(**changes: Any) -> Facts:
    return replace(FINE, storage=replace(FINE.storage, **changes))


def workers(*found: WorkerFacts) -> Facts:
    return replace(FINE, workers=(a_worker(), *found))


CASES: dict[str, tuple[Facts, str]] = {
    "schema.too_new": (schema(version="0012", newer=True, usable=False, min_compatible="0011"),
                       "The schema is 0012, and this release, of schema 0009, may not use it: schema 0011 is needed."),
    "schema.newer": (schema(version="0012", newer=True), "The schema is 0012, of a newer release; this one, of schema 0009, works with it."),
    "schema.pending": (schema(version="0007", pending=("0008", "0009"), missing=("table x",)), "The schema is 0007; pending: 0008, 0009."),
    "schema.missing": (schema(missing=("column run.queue",)), "There is no column run.queue."),
    "schema.missing_index": (schema(missing_indexes=("ix_run_task",)), "There is no index ix_run_task."),
    "schema.extra": (schema(extra=("table notes", "index i")), "Not of holdfast: table notes, index i."),
    "schema.damage": (schema(damage=("integrity_check: row 3 missing.",)), "integrity_check: row 3 missing."),
    "settings.weak": (storage(settings={"journal_mode": "delete"}), "journal_mode is delete; expected wal."),
    "file.network": (storage(file_system="nfs4"), "/data/h.db lies on a file system of kind nfs4."),
    "file.read_only": (storage(writable=False), "/data/h.db, or its folder, cannot be written by this user."),
    "file.readable": (storage(mode=0o644), "/data/h.db can be read by every user of this machine (mode 0644)."),
    "file.stopped": (storage(stopped=(4711,)), "Process 4711 was stopped while it wrote to /data/h.db."),
    "disk.full": (storage(free_bytes=49_000_000), "49 MB are free where /data/h.db lies."),
    "disk.low": (storage(free_bytes=999_000_000), "999 MB are free where /data/h.db lies."),
    "disk.wal": (storage(wal_bytes=GB), "The write-ahead log has 1000 MB."),
    "disk.unused": (storage(unused_bytes=GB // 2), "500 MB of 1000 MB are unused."),
    "server.version": (server(version=120_022), "The server is Postgres 12; 13 or later is needed."),
    "server.durability": (server(settings={"fsync": "on", "synchronous_commit": "off"}), "synchronous_commit is off."),
    "server.autovacuum": (server(not_vacuumed=("inbound",)), "autovacuum is off for table inbound."),
    "server.connections": (server(connections=6), "1 live worker may open 7 connections, and 6 are allowed."),
    "server.idle_transaction": (server(idle=(IdleSession(pid=7, user="ana", program="psql", idle=40_000, tables=("activity", "run")),)),
                                "Session 7 (ana, psql) has done nothing in its transaction for 40 s and holds locks on activity, run."),
    "server.read_only": (server(read_only="this server is a standby"), "The database takes no writes: this server is a standby."),
    "server.privileges": (server(lacking=("INSERT on vote, which a client needs",)), "This role lacks INSERT on vote, which a client needs."),
    "server.listen": (server(hears=False), "A notification that was sent did not arrive at the session that listened for it."),
    "clock.machine": (replace(FINE, clock_offset=-90_000), "This machine's clock is 90.0 s behind that of the database."),
    "clock.worker": (workers(a_worker(offset=300_000)), "The clock of attic is 300.0 s ahead of that of the database (worker w-1)."),
    "worker.dead": (workers(a_worker(seen=3 * MINUTE, leases=2)), "Worker w-1 was last seen 3 min ago and holds 2 leases."),
    "worker.blocked_loop": (workers(a_worker(loop=MINUTE)), "The event loop of worker w-1 has not moved for 1 min: a.py:3 in f."),
    "run.blocked": (replace(FINE, blocked=(Group(name="a bug (KeyError at x)", count=4, example="r-2"),)),
                    "4 runs blocked by a bug (KeyError at x); for example r-2."),
    "run.no_worker": (replace(FINE, runs=(Group(name="ship", queue="default", example="r-3"),)),
                      "No live worker of queue 'default' knows workflow ship: 1 run open; for example r-3."),
    "activity.no_worker": (replace(FINE, activities=(Group(name="pay", queue="slow", example="r-3"),)),
                           "No live worker of queue 'slow' knows activity pay: 1 open; for example in r-3."),
    "task.overdue": (replace(FINE, oldest_due=NOW - 2 * MINUTE), "The oldest task that nobody has taken has been due for 2 min."),
    "keys.missing": (replace(FINE, known_keys=frozenset()), "Key k1 is not known here; open runs with payloads under it: 2."),
}  # fmt: skip


def test_every_check_has_a_case() -> None:
    assert set(CASES) == set(CHECKS)


def test_nothing_is_found_where_all_is_well() -> None:
    assert diagnose(FINE) == []
    assert exit_code([]) == 0


@pytest.mark.parametrize("code", CASES)
def test_a_check_finds_what_it_is_for_and_nothing_else(code: str) -> None:
    facts, what = CASES[code]

    (found,) = diagnose(facts)

    assert (found.code, found.what) == (code, what)
    assert exit_code([found]) == int(CHECKS[code].severity)


@pytest.mark.parametrize(
    "facts",
    [
        workers(a_worker(seen=3 * 86_400_000)),  # it died long ago and holds nothing
        workers(a_worker(seen=MINUTE, stopped=NOW - MINUTE, loop=MINUTE)),  # it was stopped
        workers(a_worker(seen=MINUTE, stopped=NOW - MINUTE, offset=90_000)),
        replace(FINE, clock_offset=3_000, clock_doubt=2_500),  # a slow answer proves nothing
        replace(FINE, clock_offset=None, oldest_due=None),
        server(hears=None, settings={}, connections=7),
        schema(version="0012", newer=True, extra=("column run.new",)),
        storage(settings={}, file_bytes=None, wal_bytes=None, unused_bytes=None, free_bytes=None, mode=None, file_system=None),
    ],
)  # fmt: skip
def test_what_is_in_order_or_unknown_is_no_finding(facts: Facts) -> None:
    assert [found for found in diagnose(facts) if found.severity > Severity.NOTICE] == []


def test_the_worst_comes_first_and_gives_the_exit_code() -> None:
    facts = replace(
        CASES["worker.dead"][0], known_keys=frozenset(), storage=CASES["disk.unused"][0].storage
    )

    found = diagnose(facts)

    assert [item.code for item in found] == ["keys.missing", "worker.dead", "disk.unused"]
    assert exit_code(found) == 2


def test_every_check_is_documented_with_what_it_means_and_what_to_do() -> None:
    rows = re.findall(
        r"^\| `([\w.]+)` \| (\w+) \| (.+) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE
    )

    assert [tuple(row) for row in rows] == [
        (check.code, check.severity.name.lower(), check.means, check.do)
        for check in CHECKS.values()
    ]


# Gathering


@activity.define
async def priced(order: str) -> int:
    return len(order)


@workflow.define
async def ordered(order: str) -> int:
    return await priced(order)


@workflow.define
async def buggy() -> None:
    raise ValueError("a bug")


def found_in(client: Client) -> dict[str, Finding]:
    # How the machine and the server of the tests are set up is their own affair.
    storage = StorageFacts(path="x")
    return {
        item.code: item
        for item in diagnose(
            replace(examine(client.database, thorough=True), storage=storage, server=None)
        )
    }


async def test_a_database_without_work_is_in_order(client: Client) -> None:
    assert found_in(client) == {}


async def test_runs_that_no_worker_takes_and_tasks_that_are_late_are_found(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(ordered, "books", id="order-1")
    clock.now_ms += MINUTE

    found = found_in(client)

    assert set(found) == {"run.no_worker", "task.overdue"}
    assert "workflow ordered: 1 run open; for example order-1" in found["run.no_worker"].what
    assert found["task.overdue"].what.endswith("due for 1 min.")


async def test_blocked_runs_are_found_by_cause(client: Client, clock: VirtualClock) -> None:
    for name in ("b-2", "b-1"):
        await client.start(buggy, id=name)
    worker = Worker(client, workflows=[buggy])
    await worker.run_until_idle()
    clock.now_ms += 6_000
    await worker.run_until_idle()

    blocked = found_in(client)["run.blocked"].what

    assert re.fullmatch(r"2 runs blocked by a bug \(ValueError.*\); for example b-1\.", blocked)


async def test_a_dead_worker_is_found_with_the_leases_that_it_holds(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(ordered, "books", id="order-1")
    worker = Worker(client, workflows=[ordered], activities=[priced])
    await worker._register()
    await client.database.write(worker._claim_work, free=0)
    clock.now_ms += 3 * MINUTE

    found = found_in(client)

    assert (
        found["worker.dead"].what
        == f"Worker {worker.id} was last seen 3 min ago and holds 1 lease."
    )


async def test_a_worker_tells_what_its_clock_says(tmp_path: Path) -> None:
    async with Client(tmp_path / "real.db") as client:
        worker = Worker(client, workflows=[ordered])
        await worker._register()
        worker._beat(asyncio.get_running_loop(), 0, None)
        (told,) = examine(client.database).workers
        assert told.clock_offset is not None
        assert abs(told.clock_offset) < 1_000  # the same machine

        def set_back(tx: Tx) -> None:
            tx.conn.execute(update(worker_table).values(clock_offset=-300_000))

        await client.database.write(set_back)
        assert "300.0 s behind" in found_in(client)["clock.worker"].what
        await worker._unregister()


async def test_a_key_that_is_missing_here_is_found(tmp_path: Path) -> None:
    async with Client(tmp_path / "s.db", codecs=[Encrypt(new_key("k1"))]) as client:
        await client.start(ordered, "books")
        assert "keys.missing" not in found_in(client)
    async with Client(tmp_path / "s.db") as stranger:
        assert (
            found_in(stranger)["keys.missing"].what
            == "Key k1 is not known here; open runs with payloads under it: 1."
        )


def test_the_command_prints_findings_and_exits_with_the_worst(
    tmp_path: Path, module: Callable[[str, str], ModuleType]
) -> None:
    flows = module(
        "flows",
        "from holdfast import workflow\n\n@workflow.define\nasync def flow() -> None: ...\n",
    )
    path = str(tmp_path / "x.db")

    async def start() -> None:
        async with Client(path) as client:
            await client.start(flows.flow, id="r-1")

    asyncio.run(start())
    shown = CliRunner().invoke(main, ["doctor", "--db", path])
    as_json = CliRunner().invoke(main, ["doctor", "--db", path, "--json"])

    assert (shown.exit_code, as_json.exit_code) == (2, 2)
    assert shown.stdout.startswith(
        "error  run.no_worker  No live worker of queue 'default' knows workflow flow"
    )
    assert "\n  do: `holdfast worker MODULE --queue QUEUE`" in shown.stdout
    rows = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert (rows[0]["code"], rows[0]["severity"]) == ("run.no_worker", "error")
    assert CliRunner().invoke(main, ["doctor", "--db", str(tmp_path / "none.db")]).exit_code == 2
