"""A closed run goes to a file that still replays, and only then from the database; no crash in between loses it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select
from sqlmodel import SQLModel
from tests.runtime.processes import spawning, until

from holdfast import Client, Worker, activity, workflow
from holdfast._store import retention
from holdfast._store.database import Tx
from holdfast.cli import main
from holdfast.client import Retention
from holdfast.clock import VirtualClock
from holdfast.errors import (
    ArchivedRunError,
    ArgumentError,
    RunExistsError,
    StoreError,
    UnknownRunError,
)
from holdfast.history import History, load_history
from holdfast.payloads import Encrypt, new_key
from holdfast.replay import replay
from holdfast.workflow import Workflow

MONTH = timedelta(days=30)
note = workflow.Signal("note", str)


@activity.define
async def priced(order: str) -> int:
    return len(order)


@workflow.define
async def ordered(order: str) -> int:
    return await priced(order)


@workflow.define
async def noted(rounds: int) -> str:
    text = await note.receive()
    if rounds > 1:
        workflow.continue_as_new(rounds - 1)
    return text


@workflow.define
async def family() -> int:
    made = workflow.start_child(ordered, "child's", id="the-child")
    result = await made.result()
    await note.receive()
    return result


FLOWS: list[Workflow[Any, Any]] = [ordered, noted, family]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=FLOWS, activities=[priced])


@pytest.fixture
def kept(tmp_path: Path) -> Retention:
    return Retention(older_than=MONTH, to=tmp_path / "archive")


def rows_of(client: Client, run_id: str) -> dict[str, int]:
    def count(tx: Tx) -> dict[str, int]:
        counts = {
            table.name: tx.conn.execute(
                select(func.count()).select_from(table).where(table.c.run_id == run_id)
            ).scalar_one()
            for table in SQLModel.metadata.sorted_tables
            if "run_id" in table.c
        }
        return {name: count for name, count in counts.items() if count}

    return client.database.read_from_thread(count)


def test_every_table_with_rows_of_a_run_is_emptied_of_an_archived_one() -> None:
    named = {table.name for table in SQLModel.metadata.sorted_tables if "run_id" in table.c}

    # A tick is of its schedule, which keeps its own last thousand, whatever becomes of the runs.
    assert {table.name for table in (*retention.OF_A_RUN, *retention.OF_A_CHAIN)} == named - {
        "schedule_tick"
    }


@pytest.mark.construct("Client.archive")
async def test_an_archived_run_replays_from_its_file_and_has_no_rows(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention, tmp_path: Path
) -> None:
    run = await client.start(ordered, "books", id="order-1")
    await worker.run_until_idle()
    recorded = await run.history()
    clock.advance(MONTH)

    (done,) = await client.archive(kept)

    assert done.deleted
    assert done.file is not None
    assert load_history(done.file) == recorded
    assert replay(load_history(done.file), ordered).ok
    assert rows_of(client, "order-1") == {}
    assert (done.file.stat().st_mode & 0o777, done.file.parent.name) == (0o600, "2026-01")
    assert await client.list() == []


async def test_what_is_asked_of_an_archived_run_is_answered_by_where_it_is(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention
) -> None:
    run = await client.start(ordered, "books", id="order-1")
    await worker.run_until_idle()
    clock.advance(MONTH)
    (done,) = await client.archive(kept)

    for asking in (run.result, run.describe, run.history, run.cancel):
        with pytest.raises(ArchivedRunError, match=r"Run order-1 of ordered, completed since 2026-01-01 00:00 UTC, was archived to ") as refused:  # fmt: skip
            await asking()
        assert refused.value.file == str(done.file)
    with pytest.raises(UnknownRunError, match="There is no run 'order-2'"):
        await client.describe("order-2")


async def test_a_start_is_idempotent_beyond_the_archive(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention
) -> None:
    await client.start(ordered, "books", id="order-1")
    await worker.run_until_idle()
    clock.advance(MONTH)
    await client.archive(kept)

    again = await client.start(ordered, "books", id="order-1")

    assert await client.list() == []  # the effect is not repeated
    with pytest.raises(ArchivedRunError):
        await again.result()
    with pytest.raises(RunExistsError):
        await client.start(ordered, "other books", id="order-1")


async def test_only_runs_closed_long_enough_and_in_the_way_asked_for_are_archived(
    client: Client, clock: VirtualClock, worker: Worker, tmp_path: Path
) -> None:
    await client.start(ordered, "a", id="old")
    stopped = await client.start(noted, 1, id="stopped")
    await worker.run_until_idle()
    await stopped.terminate(reason="enough")
    clock.advance(MONTH)
    await client.start(ordered, "b", id="young")
    await client.start(noted, 1, id="open")
    await worker.run_until_idle()
    asked = Retention(older_than=MONTH, to=tmp_path / "a", statuses=["terminated"])

    planned = await client.archive(asked, dry_run=True)
    assert (planned[0].run, len(planned), (tmp_path / "a").exists()) == ("stopped", 1, False)
    assert [item.run for item in await client.archive(asked)] == ["stopped"]
    everything = Retention(older_than=MONTH, to=tmp_path / "a")
    assert [item.run for item in await client.archive(everything)] == ["old"]
    assert {item.id for item in await client.list()} == {"young", "open"}


async def test_without_delete_the_rows_stay_and_a_second_time_changes_nothing(
    client: Client, clock: VirtualClock, worker: Worker, tmp_path: Path
) -> None:
    run = await client.start(ordered, "books")
    await worker.run_until_idle()
    clock.advance(MONTH)
    asked = Retention(older_than=MONTH, to=tmp_path / "a", delete=False, compress=True)

    first, second = await client.archive(asked), await client.archive(asked)

    assert first == second
    assert not first[0].deleted
    assert first[0].file is not None
    assert load_history(first[0].file) == await run.history()
    assert first[0].file.name.endswith(".hist.jsonl.gz")


async def test_children_stay_as_long_as_the_run_that_started_them_is_open(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention
) -> None:
    parent = await client.start(family, id="parent")
    await worker.run_until_idle()
    clock.advance(MONTH)

    assert await client.archive(kept) == []
    await parent.signal(note, "go on")
    await worker.run_until_idle()
    assert [item.run for item in await client.archive(kept)] == ["the-child"]
    assert await parent.result() == len("child's")
    clock.advance(MONTH)
    assert [item.run for item in await client.archive(kept)] == ["parent"]


async def test_a_chain_is_followed_and_knows_its_messages_until_its_last_run_is_archived(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention, tmp_path: Path
) -> None:
    chain = await client.start(noted, 2, id="chain")
    assert await chain.signal(note, "first", message="m-1")
    await worker.run_until_idle()
    clock.advance(MONTH)

    assert [item.run for item in await client.archive(kept)] == ["chain"]
    assert not await chain.signal(note, "first", message="m-1")  # known, though its run is gone
    assert await chain.signal(note, "second", message="m-2")
    await worker.run_until_idle()
    assert await chain.result() == "second"
    clock.advance(MONTH)

    assert [item.run for item in await client.archive(kept)] == ["chain~2"]
    with pytest.raises(ArchivedRunError, match="Run chain~2 of noted"):
        await chain.result()
    assert rows_of(client, "chain") == rows_of(client, "chain~2") == {}


async def test_a_fork_lives_without_its_original(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention
) -> None:
    origin = await client.start(noted, 1, id="origin")
    await origin.signal(note, "said")
    await worker.run_until_idle()
    fork = await origin.fork(at=1, id="fork")
    clock.advance(MONTH)

    assert [item.run for item in await client.archive(kept)] == ["origin"]
    await worker.run_until_idle()
    assert await fork.result() == "said"


async def test_a_file_that_holds_something_else_keeps_the_run(
    client: Client, clock: VirtualClock, worker: Worker, kept: Retention
) -> None:
    run = await client.start(ordered, "books")
    await worker.run_until_idle()
    clock.advance(MONTH)
    (draft,) = await client.archive(Retention(older_than=MONTH, to=kept.to, delete=False))
    assert draft.file is not None
    draft.file.write_text(draft.file.read_text().replace("books", "boots"))

    (damaged,) = await client.archive(kept)
    draft.file.write_text("cut off")
    (cut,) = await client.archive(kept)

    assert "does not hold what the database does" in damaged.kept
    assert "The file does not read back" in cut.kept
    assert await run.result() == len("books")


async def test_a_folder_that_cannot_be_written_deletes_nothing_and_says_so(
    client: Client, clock: VirtualClock, worker: Worker, tmp_path: Path
) -> None:
    run = await client.start(ordered, "books")
    await worker.run_until_idle()
    clock.advance(MONTH)
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(
        StoreError,
        match=r"cannot be written: Not a directory\. Run .* is in the database as before",
    ):
        await client.archive(Retention(older_than=MONTH, to=tmp_path / "file"))

    assert await run.result() == len("books")


async def test_encrypted_runs_are_written_as_plain_text_only_when_that_is_said(
    tmp_path: Path, clock: VirtualClock
) -> None:
    client = Client(tmp_path / "sealed.db", clock=clock, codecs=[Encrypt(new_key("k1"))])
    await client.start(ordered, "secret books")
    await Worker(client, workflows=FLOWS, activities=[priced]).run_until_idle()
    clock.advance(MONTH)

    with pytest.raises(ArgumentError, match="history files are plain text"):
        await client.archive(Retention(older_than=MONTH, to=tmp_path / "a"))
    stranger = Client(tmp_path / "sealed.db", clock=clock)
    (kept,) = await stranger.archive(Retention(older_than=MONTH, to=tmp_path / "a"))
    (done,) = await client.archive(Retention(older_than=MONTH, to=tmp_path / "a", plain_text=True))

    assert "key k1 is not known here" in kept.kept
    assert done.file is not None
    assert "secret books" in done.file.read_text()
    client.close()
    stranger.close()


# Crashes

KILLED = """
import asyncio, os, shutil, signal, sys
from datetime import timedelta
from pathlib import Path
from sqlalchemy import event
from holdfast import Client
from holdfast.client import Retention

def crash_at(number, folder):
    left = number
    def point(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    client = Client(folder / "p.db")
    def before(name):
        real = getattr(os, name)
        def call(*arguments, **options):
            point()
            return real(*arguments, **options)
        setattr(os, name, call)
    before("fsync")
    before("replace")
    event.listen(client.database._backend._writer, "commit", point)
    event.listen(client.database._backend._writer, "before_cursor_execute", lambda *a: point() if "DELETE FROM run " in a[2] else None)
    asyncio.run(client.archive(Retention(older_than=timedelta(0), to=folder / "archive")))
    client.close()
    os._exit(0)

base = Path(sys.argv[1])
for number in range(1, 60):
    folder = base / str(number)
    folder.mkdir()
    shutil.copy(base / "p.db", folder)
    child = os.fork()
    if child == 0:
        crash_at(number, folder)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        print(number)
        break
"""


async def test_a_kill_at_any_step_leaves_each_run_in_the_database_or_in_a_whole_file(
    tmp_path: Path,
) -> None:
    client = Client(tmp_path / "p.db")
    for number in range(2):
        await client.start(ordered, "books", id=f"order-{number}")
    await Worker(client, workflows=FLOWS, activities=[priced]).run_until_idle()
    recorded = {f"order-{number}": await client.history(f"order-{number}") for number in range(2)}
    client.close()
    (tmp_path / "killed.py").write_text(KILLED)

    steps = await asyncio.to_thread(killed_at_every_step, tmp_path)

    assert steps > 12  # three times fsync, a rename, a delete and a commit, for each of two runs
    for number in range(1, steps + 1):
        folder = tmp_path / str(number)
        after = Client(folder / "p.db")
        for run_id, history in recorded.items():
            assert await in_database_or_file(after, run_id) == history
        await after.archive(Retention(older_than=timedelta(0), to=folder / "archive"))
        for run_id, history in recorded.items():
            with pytest.raises(ArchivedRunError) as archived:
                await after.history(run_id)
            assert load_history(Path(archived.value.file)) == history
            assert rows_of(after, run_id) == {}
        after.close()


def killed_at_every_step(folder: Path) -> int:
    """Archive a copy of the database once for each step, killed there; return how many steps there are."""
    printed = subprocess.run(
        [sys.executable, "killed.py", str(folder)],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(printed.stdout)


async def in_database_or_file(client: Client, run_id: str) -> History:
    try:
        return await client.history(run_id)
    except ArchivedRunError as error:
        return load_history(Path(error.file))


# By itself, and by command

SHOP = """
from holdfast import workflow

@workflow.define
async def sold(value: int) -> int:
    return value
"""


@pytest.fixture
def shop(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> ModuleType:
    return module("shop", SHOP)


def close_a_run(path: Path, shop: ModuleType) -> None:
    async def work() -> None:
        async with Client(path) as client:
            await client.start(shop.sold, 3, id="s-1")
            await Worker(client, workflows=[shop.sold]).run_until_idle()

    asyncio.run(work())


def test_the_command_archives_and_says_what_it_did(tmp_path: Path, shop: ModuleType) -> None:
    close_a_run(tmp_path / "p.db", shop)
    options = ["--older-than", "0s", "--db", str(tmp_path / "p.db")]

    def call(*more: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(main, ["archive", *options, *more])
        return result.exit_code, result.stdout, result.stderr

    assert call()[0] == 2
    assert "--to DIR is missing" in call()[2]
    assert (
        "is not a span of time"
        in CliRunner().invoke(main, ["archive", "--older-than", "soon"]).stderr
    )
    assert call("--dry-run") == (
        0,
        "s-1: completed, would be archived\n",
        "1 runs, 0 deleted, 0 kept for a reason\n",
    )
    code, out, _ = call(
        "--to", str(tmp_path / "a"), "--delete", "--verify-replay", "shop", "--json"
    )
    row = json.loads(out)
    assert (code, row["run"], row["deleted"]) == (0, "s-1", True)
    assert (
        CliRunner().invoke(main, ["replay", row["file"], "--workflow", "shop:sold"]).exit_code == 0
    )
    gone = CliRunner().invoke(main, ["why", "s-1", "--db", str(tmp_path / "p.db")])
    assert (gone.exit_code, "was archived to" in gone.stderr) == (4, True)


def test_a_run_that_todays_code_does_not_replay_is_kept_when_that_is_asked_for(
    tmp_path: Path, shop: ModuleType, module: Callable[[str, str], ModuleType]
) -> None:
    close_a_run(tmp_path / "p.db", shop)
    module(
        "shop", SHOP.replace("    return", "    await __import__('asyncio').sleep(5)\n    return")
    )

    result = CliRunner().invoke(
        main,
        ["archive", "--older-than", "0s", "--db", str(tmp_path / "p.db"), "--to", str(tmp_path / "a"), "--delete", "--verify-replay", "shop"],
    )  # fmt: skip

    assert result.exit_code == 1
    assert "s-1: kept: it does not replay: ND" in result.stdout


async def test_a_worker_archives_by_itself(tmp_path: Path, shop: ModuleType) -> None:
    await asyncio.to_thread(close_a_run, tmp_path / "p.db", shop)
    with spawning(tmp_path, "shop") as spawn:
        spawn("--retain", "0s", "--archive-to", "archive")
        client = Client(tmp_path / "p.db")

        await until(lambda: not rows_of(client, "s-1"), what="the run to be archived")

    with pytest.raises(ArchivedRunError) as archived:
        await client.history("s-1")
    assert load_history(Path(archived.value.file)).header.run == "s-1"
    client.close()


def test_a_worker_is_told_where_to_archive(tmp_path: Path, shop: ModuleType) -> None:
    result = CliRunner().invoke(main, ["worker", "shop", "--retain", "30d"])

    assert result.exit_code == 2
    assert "--retain and --archive-to go together" in result.stderr
