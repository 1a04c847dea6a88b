"""The doorbell rings when another process commits, and lets a server stop."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.dashboard.conftest import hello

from holdfast import Client
from holdfast_dashboard.live import Bell, Changes


def test_a_commit_of_another_connection_changes_the_count_and_reading_does_not(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with Client(tmp_path / "holdfast.db") as client:
            changes = Changes(client.url)
            before = changes.count()
            await client.list()
            assert changes.count() == before
            await client.start(hello, "x")
            assert changes.count() != before
            changes.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://host/db"])
def test_a_database_that_is_no_file_has_no_count(url: str) -> None:
    assert Changes(url).count() is None


def test_the_connection_of_the_watcher_cannot_write(tmp_path: Path) -> None:
    Client(tmp_path / "holdfast.db").close()
    changes = Changes(str(tmp_path / "holdfast.db"))
    changes.count()

    assert changes._connection is not None
    with pytest.raises(sqlite3.OperationalError, match=r"read-?only"):
        changes._connection.execute("CREATE TABLE t (x)")
    changes.close()


def test_a_listener_hears_what_it_missed_then_every_ring_until_the_bell_closes() -> None:
    async def scenario() -> list[int]:
        bell = Bell(Changes("sqlite://"))
        bell.ring()
        heard: list[int] = []

        async def listen() -> None:
            async for rung in bell.listen(0):
                heard.append(rung)  # noqa: PERF401 - read while it grows

        listener = asyncio.create_task(listen())
        await asyncio.sleep(0)
        bell.ring()
        await asyncio.sleep(0)
        bell.close()
        await asyncio.wait_for(listener, 5)
        return heard

    assert asyncio.run(scenario()) == [1, 2]
