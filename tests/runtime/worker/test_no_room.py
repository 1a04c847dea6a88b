"""A full disk and a read-only database: a clear sentence, no damage, and the work goes on when it ends."""

import asyncio
import contextlib
import ctypes
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import pytest
from tests.runtime.processes import spawning, until

from holdfast import Client, Worker, activity, workflow
from holdfast.errors import DatabaseUnavailableError

FLOWS = """
import time
from pathlib import Path
from holdfast import activity, workflow

@activity.define(effect="once")
def paid(name: str) -> str:
    Path("begun").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return "x" * 20_000

@workflow.define
async def order(name: str) -> int:
    return len(await paid(name))
"""


@activity.define
async def long_text() -> str:
    return "x" * 50_000


@workflow.define
async def longer(given: str) -> int:
    return len(given) and len(await long_text())


def integrity(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def workers_in(path: Path) -> int:
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'worker'")
        there = made.fetchone()[0]
        return int(there) and int(connection.execute("SELECT count(*) FROM worker").fetchone()[0])


@contextlib.contextmanager
def pragma(client: Client, on: str, off: str) -> Iterator[None]:
    """Set something of the connection that writes, for a while, between its transactions."""

    backend: Any = client.database._backend

    def apply(setting: str) -> None:
        with contextlib.closing(backend._writer.raw_connection()) as only:
            assert only.driver_connection is not None
            only.driver_connection.execute(f"PRAGMA {setting}").fetchall()

    client.database._write_threads.submit(apply, on).result()
    yield
    client.database._write_threads.submit(apply, off).result()


async def start_until_refused(client: Client) -> None:
    for _ in range(100):  # until the pages that are there are used up
        await client.start(longer, "x" * 9_000)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("max_page_count=1", "max_page_count=1000000"), "cannot be written: database or disk is full. Nothing of this was kept"),
        (("query_only=1", "query_only=0"), "is read-only: attempt to write a readonly database. Check the file's"),
    ],
)  # fmt: skip
async def test_a_worker_holds_says_so_once_and_goes_on(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    settings: tuple[str, str],
    sentence: str,
) -> None:
    client = Client(tmp_path / "holdfast.db")
    handle = await client.start(longer, "x" * 9_000)
    worker = Worker(client, workflows=[longer], activities=[long_text], lease=timedelta(seconds=1))
    running = asyncio.create_task(worker.run())
    assert await handle.result() == 50_000

    with pragma(client, *settings):
        with pytest.raises(DatabaseUnavailableError) as refused:
            await start_until_refused(client)
        acknowledged = await client.list(limit=1000)
        await until(
            lambda: "the database cannot be used" in caplog.text, what="the worker to notice"
        )
        held = [record.getMessage() for record in caplog.records]

    await until(lambda: "can be used again" in caplog.text, what="the worker to go on")
    results: list[int] = [await client.get(run.id).result() for run in acknowledged]
    worker.stop()
    await running

    assert sentence in str(refused.value)
    assert [line.startswith("the database cannot be used; this worker holds") for line in held] == [
        True
    ]
    assert results == [50_000] * len(acknowledged)
    assert integrity(tmp_path / "holdfast.db") == "ok"
    client.close()


Limited = Callable[[int], None]


def limiting(process: subprocess.Popen[str]) -> Limited:
    """Return what limits the size of the files that a running process may write: to it, the disk is full."""

    def limit(size: int) -> None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return limit


def read_until(stream: IO[str], words: str) -> list[str]:
    lines = []
    for line in stream:
        lines.append(line)
        if words in line:
            return lines
    pytest.fail(f"no {words!r} in {lines}")


async def test_an_outcome_is_kept_while_the_disk_is_full_and_its_effect_not_repeated(
    tmp_path: Path, module: Callable[[str, str], ModuleType]
) -> None:
    flows = module("flows", FLOWS)
    client = Client(tmp_path / "p.db")
    with spawning(tmp_path, "flows") as spawn:
        process = spawn()
        assert process.stderr is not None
        limit = limiting(process)
        handle = await client.start(flows.order, "books")
        await until((tmp_path / "begun").exists, what="the payment to begin")

        limit(1)
        (tmp_path / "go").touch()
        said = await asyncio.to_thread(read_until, process.stderr, "cannot be used")
        limit(resource.RLIM_INFINITY)

        assert await handle.result() == 20_000
        said += await asyncio.to_thread(read_until, process.stderr, "can be used again")

    (paid,) = (await handle.describe()).activities
    assert (paid.state, paid.attempt) == ("completed", 1)
    assert ["cannot be written or read: disk I/O error" in line for line in said[1:]] == [
        True,
        False,
    ]
    assert integrity(tmp_path / "p.db") == "ok"
    client.close()


async def test_a_worker_that_is_stopped_while_the_disk_is_full_ends_and_says_what_it_could_not_hand_back(
    tmp_path: Path,
) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    with spawning(tmp_path, "flows") as spawn:
        process = spawn("--drain", "1")
        assert process.stderr is not None
        await until(lambda: workers_in(tmp_path / "p.db"), what="the worker to begin")
        limiting(process)(1)
        process.send_signal(signal.SIGTERM)

        said = await asyncio.to_thread(process.stderr.read)
        code = await asyncio.to_thread(process.wait)

    assert code == 1, said
    assert "Traceback" not in said
    assert "what this worker holds cannot be handed back, giving up: " in said
    assert "disk I/O error" in said


# By permissions

DAC_OVERRIDE, DROP = 1, 24  # of capabilities(7) and prctl(2)


def without_privileges() -> None:
    """Let permissions count for this process and what it runs, though it may be root's."""
    ctypes.CDLL(None).prctl(DROP, DAC_OVERRIDE, 0, 0, 0)


def test_a_database_that_may_not_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    path = tmp_path / "p.db"
    Client(path).close()
    before = path.read_bytes()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    command = [sys.executable, "-m", "holdfast", "start", "flows:order", '"x"', "--db", str(path)]

    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=without_privileges, check=False
    )  # fmt: skip
    tmp_path.chmod(0o755)

    assert result.returncode == 2, result
    assert "p.db is read-only: " in result.stderr
    assert "Traceback" not in result.stderr
    assert path.read_bytes() == before
