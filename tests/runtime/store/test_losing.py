"""A connection to Postgres that is lost, at whatever moment: nothing is lost with it, and nothing is done twice."""

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, select
from tests.postgres import Postgres
from tests.proxy import Loss, Proxy, proxied

from holdfast import Client, Worker, activity, workflow
from holdfast._store import postgres
from holdfast._store.database import Tx
from holdfast._store.tables import published
from holdfast.errors import DatabaseUnavailableError

NEWS = workflow.Signal("news", str)


@activity.define
async def double(number: int) -> int:
    return 2 * number


@workflow.define
async def doubling(number: int) -> int:
    return await double(number)


@workflow.define
async def listening() -> str:
    return await NEWS.receive()


@pytest.fixture
def store(postgres_url: str) -> str:
    """Take the place of both databases: SQLite has no connections to lose."""
    return postgres_url


@pytest.fixture
def proxy(store: str) -> Iterator[Proxy]:
    with proxied(store) as proxy:
        yield proxy


@pytest.fixture
def distant(proxy: Proxy) -> Iterator[Client]:
    """Give a client whose connections can be lost."""
    client = Client(proxy.url)
    client.database.read_now(lambda tx: tx.now)
    yield client
    client.close()


def write(tx: Tx, seen: list[int]) -> str:
    seen.append(len(seen))
    value = str(len(seen)).encode()
    tx.conn.execute(insert(published).values(run_id="r", key="k", value=value, at=tx.now, turn=1))
    return f"run {len(seen)}"


def written(client: Client) -> list[bytes]:
    return client.database.read_now(
        lambda tx: list(tx.conn.execute(select(published.c.value)).scalars())
    )


def test_a_commit_whose_answer_is_lost_counts_once(distant: Client, proxy: Proxy) -> None:
    seen: list[int] = []
    proxy.lose(Loss.ANSWER)

    assert distant.database.write_now(write, seen) == "run 1"

    assert proxy.losses == [Loss.ANSWER]
    assert written(distant) == [b"1"]


@pytest.mark.parametrize("loss", [Loss.REQUEST, Loss.SILENCE])
def test_a_commit_that_never_arrives_is_done_again(
    distant: Client, proxy: Proxy, loss: Loss
) -> None:
    seen: list[int] = []
    proxy.lose(loss)

    assert distant.database.write_now(write, seen) == "run 2"

    assert proxy.losses == [loss]
    assert written(distant) == [b"2"]


def test_a_commit_whose_outcome_cannot_be_found_out_says_so(
    distant: Client, client: Client, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_DOUBT_MAX", 0.2)
    proxy.lose(Loss.ANSWER)
    proxy.refuse()

    with pytest.raises(DatabaseUnavailableError, match="nobody could say whether it"):
        distant.database.write_now(write, [])

    assert written(client) == [b"1"]


def test_a_transaction_that_lost_its_connection_before_the_commit_is_done_again(
    distant: Client, proxy: Proxy
) -> None:
    seen: list[int] = []

    def interrupted(tx: Tx) -> str:
        if not seen:
            proxy.cut()
        return write(tx, seen)

    assert distant.database.write_now(interrupted) == "run 2"
    assert written(distant) == [b"2"]


def test_connections_that_ended_while_nobody_used_them_are_replaced(
    distant: Client, store: str, server: Postgres
) -> None:
    server.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'holdfast'"
    )

    assert distant.database.write_now(write, []) in {"run 1", "run 2"}
    assert len(written(distant)) == 1


def test_a_database_that_cannot_be_reached_any_more_is_named_without_delay(
    distant: Client, proxy: Proxy
) -> None:
    proxy.refuse()
    proxy.cut()

    with pytest.raises(DatabaseUnavailableError, match=r"cannot be used: .*Check that the server"):
        distant.database.write_now(write, [])


async def test_a_signal_whose_acknowledgement_is_lost_has_come_once(
    distant: Client, proxy: Proxy
) -> None:
    handle = await distant.start(listening, id="r")
    proxy.lose(Loss.ANSWER)

    assert await handle.signal(NEWS, "rain", message="m")
    assert not await handle.signal(NEWS, "rain", message="m")

    assert [turn.event.kind for turn in (await handle.history()).turns] == ["run_started", "signal_received"]  # fmt: skip


@pytest.mark.parametrize("loss", list(Loss))
async def test_whichever_commit_of_a_run_is_lost_it_ends_as_if_none_was(
    distant: Client, proxy: Proxy, loss: Loss
) -> None:
    """Lose the commit of the start, of each claim, of each turn and of the result, one after another."""
    for number in range(7):
        handle = await distant.start(doubling, number, id=f"r{number}")
        worker = Worker(distant, workflows=[doubling], activities=[double])
        proxy.lose(loss, after=number)
        await worker.run_until_idle()
        proxy.lose(None)

        assert await handle.result() == 2 * number
        assert [turn.event.kind for turn in (await handle.history()).turns] == ["run_started", "activity_completed"]  # fmt: skip
    assert len(proxy.losses) >= 5
