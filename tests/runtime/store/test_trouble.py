"""What goes wrong in a transaction is said without showing a payload, and holds nobody up for ever."""

import contextlib
import traceback
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import insert

from holdfast import Client, workflow
from holdfast._store import postgres
from holdfast._store.database import Tx
from holdfast._store.tables import published
from holdfast.errors import DatabaseUnavailableError, StoreError

SECRET = "4111 1111 1111 1111"


@workflow.define
async def flow() -> None:
    pass


def twice(tx: Tx) -> None:
    row = {"run_id": "r", "key": "k", "value": SECRET.encode(), "at": tx.now, "turn": 1}
    tx.conn.execute(insert(published), [row, row])


def test_an_error_of_the_database_shows_no_payload(client: Client) -> None:
    with pytest.raises(StoreError) as caught:
        client.database.write_now(twice)

    told = "".join(traceback.format_exception(caught.value))
    assert "published" in told
    assert SECRET not in told


@pytest.fixture
def holding(postgres_url: str) -> Iterator[psycopg.Connection]:
    """Give a connection that holds the row of a run, as a process that hangs does."""
    with contextlib.closing(psycopg.connect(postgres_url)) as connection:
        yield connection


async def test_who_waits_for_a_process_that_hangs_is_told_so(
    postgres_url: str, holding: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LIMITS", postgres._LIMITS.replace("'15s'", "'100ms'"))
    async with Client(postgres_url) as client:
        await client.start(flow, id="r")
        holding.execute("SELECT id FROM run FOR UPDATE")

        with pytest.raises(
            DatabaseUnavailableError, match="another transaction held what this one needs"
        ):
            await client.pause("r", by="ana")

        holding.rollback()
        await client.pause("r", by="ana")


async def test_a_transaction_that_hangs_is_ended_by_the_server_and_done_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LIMITS", postgres._LIMITS.replace("'60s'", "'50ms'"))
    tries: list[int] = []

    def hanging(tx: Tx) -> int:
        tries.append(1)
        if len(tries) == 1:
            pid = tx.conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            _wait_for_the_end_of(postgres_url, pid)
        tx.conn.exec_driver_sql("SELECT 1")
        return len(tries)

    async with Client(postgres_url) as client:
        assert await client.database.write(hanging) == 2


def _wait_for_the_end_of(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as watching:
        query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        while watching.execute(query, [pid]).fetchone() is not None:
            pass
