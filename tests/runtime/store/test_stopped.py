"""A process that is stopped while it writes to a file holds up who writes, and the doctor names it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast import Client, workflow
from holdfast._store import locks
from holdfast.cli import main
from holdfast.errors import DatabaseUnavailableError

WRITER = """
import sys
from holdfast import Client

def writing(tx):
    tx.conn.exec_driver_sql("UPDATE run SET queue = 'other'")
    print("writes", flush=True)
    sys.stdin.readline()

client = Client(sys.argv[1])
client.database.write_now(writing)
client.close()
"""


@workflow.define
async def flow() -> None: ...


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@contextlib.contextmanager
def stopped_in_a_write(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writes\n"
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        yield process
    finally:
        process.kill()
        process.wait()
        for end in (process.stdin, process.stdout):
            assert end is not None
            end.close()


def doctor(path: Path) -> str:
    return CliRunner().invoke(main, ["doctor", "--db", str(path)]).stdout


@pytest.fixture
async def client(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """Give a client that does not wait for long."""
    monkeypatch.setattr("holdfast._store.sqlite._BUSY_MS", 50)
    async with Client(path) as made:
        await made.start(flow, id="r-1")
        yield made


async def test_who_writes_is_told_and_who_reads_is_not_held_up(client: Client, path: Path) -> None:
    with stopped_in_a_write(path) as process:
        with pytest.raises(DatabaseUnavailableError) as refused:
            await client.start(flow, id="r-2")
        with pytest.raises(DatabaseUnavailableError, match="was locked by another process"):
            Client(path)
        read = [(run.id, run.queue) for run in await client.list()]
        told = doctor(path)

    named = re.findall(r"file.stopped  Process (\d+) was stopped while it wrote", told)
    assert "a process that was stopped, which `holdfast doctor` names" in str(refused.value)
    assert read == [("r-1", "default")]
    assert named == ([str(process.pid)] if locks._LOCKS.exists() else [])


@pytest.mark.parametrize(
    ("sent", "queue"), [(signal.SIGCONT, "other"), (signal.SIGKILL, "default")]
)
async def test_it_may_be_let_go_on_or_ended(
    client: Client, path: Path, sent: signal.Signals, queue: str
) -> None:
    with stopped_in_a_write(path) as process:
        process.send_signal(sent)
        assert process.stdin is not None
        process.stdin.write("\n")
        with contextlib.suppress(BrokenPipeError):  # it is gone
            process.stdin.flush()
        process.wait()
        await client.start(flow, id="r-2")

        assert "file.stopped" not in doctor(path)
        assert {run.id: run.queue for run in await client.list()} == {
            "r-1": queue,
            "r-2": "default",
        }


def test_a_process_that_was_stopped_elsewhere_is_not_named(path: Path) -> None:
    Client(path).close()
    with subprocess.Popen(["sleep", "60"]) as idle:  # it has nothing to do with the file
        idle.send_signal(signal.SIGSTOP)
        os.waitpid(idle.pid, os.WUNTRACED)
        found = locks.stopped_writers(path)
        idle.kill()

    assert found == ()
