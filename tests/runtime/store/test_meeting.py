"""Transactions that meet on Postgres come out as they would one after another."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg
import pytest

from holdfast import Client, Worker, workflow
from holdfast._store import ending, forking, runs
from holdfast._store.database import Tx
from holdfast._store.records import RunClaim
from holdfast.errors import UsageError
from holdfast.history import ContinueAsNew, SendSignal

T = TypeVar("T")
GO = workflow.Signal("go", int)
PATIENCE = 30.0


@workflow.define
async def leaf() -> int:
    return await GO.receive()


@workflow.define
async def trunk() -> int:
    return await workflow.start_child(leaf, id="leaf", on_close="cancel").result()


@pytest.fixture
def store(postgres_url: str) -> str:
    """Take the place of both databases: on SQLite nothing meets."""
    return postgres_url


@pytest.fixture
def watching(store: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(store, autocommit=True) as connection:
        yield connection


class Meeting:
    """Hold the transaction of one verb open until another verb waits for it, or has ended beside it."""

    def __init__(self, client: Client, watching: psycopg.Connection[Any]) -> None:
        self._client = client
        self._watching = watching

    def __call__(self, first: Callable[[Tx], object], second: Callable[[Tx], object]) -> None:
        done, may_end = threading.Event(), threading.Event()

        def held(tx: Tx) -> None:
            first(tx)
            done.set()
            assert may_end.wait(PATIENCE)

        ahead = threading.Thread(target=self._client.database.write_now, args=(held,))
        ahead.start()
        assert done.wait(PATIENCE)
        behind = threading.Thread(target=self._quietly, args=(second,))
        behind.start()
        self._until(lambda: self._waits() or not behind.is_alive())
        may_end.set()
        ahead.join(PATIENCE)
        behind.join(PATIENCE)

    def _quietly(self, verb: Callable[[Tx], object]) -> None:
        with contextlib.suppress(UsageError):
            self._client.database.write_now(verb)

    def _waits(self) -> bool:
        query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return self._watching.execute(query).fetchone() is not None

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline


@pytest.fixture
def meet(client: Client, watching: psycopg.Connection[Any]) -> Meeting:
    return Meeting(client, watching)


async def family(client: Client) -> Worker:
    """Start a run that waits for its child, which waits for a signal."""
    await client.start(trunk, id="trunk")
    worker = Worker(client, workflows=[trunk, leaf])
    await worker.run_until_idle()
    return worker


def fork(tx: Tx) -> None:
    forking.fork(tx, forking.Fork(id="fork", origin="trunk", at=1, new_keys=False, signals=True))


def end_leaf(tx: Tx) -> None:
    ending.terminate(tx, "leaf", "no longer wanted")


@pytest.mark.parametrize(
    "order", [(fork, end_leaf), (end_leaf, fork)], ids=["fork first", "end first"]
)
async def test_a_fork_hears_of_the_end_of_a_child_that_ends_as_it_is_made(
    client: Client, meet: Meeting, order: tuple[Callable[[Tx], None], Callable[[Tx], None]]
) -> None:
    await family(client)
    assert [t.event.kind for t in (await client.history("trunk")).turns] == ["run_started"]

    meet(*order)

    kinds = [turn.event.kind for turn in (await client.history("fork")).turns]
    assert kinds == ["run_started", "child_failed"]


def claim(client: Client, flow: Any) -> RunClaim:
    prints = {flow.definition.name: flow.definition.fingerprint}
    (claimed,) = client.database.write_now(
        runs.claim_runs, worker="w", queue="default", fingerprints=prints, limit=1, lease_ms=60_000
    )
    return claimed


def committing(claimed: RunClaim, turn: int, command: Any) -> Callable[[Tx], object]:
    return lambda tx: runs.commit_turns(
        tx, claimed, [(turn, [command])], code="x", parked=[], decisions=[], drifts=[]
    )


async def test_a_child_that_continues_as_its_parent_ends_is_cancelled_all_the_same(
    client: Client, meet: Meeting
) -> None:
    await family(client)
    await client.signal("leaf", GO, 1)
    again = ContinueAsNew(
        seq=1, site="", workflow="leaf", entry=leaf.definition.entry, args=[], carry=[]
    )

    meet(
        committing(claim(client, leaf), 2, again),
        lambda tx: ending.terminate(tx, "trunk", "no longer wanted"),
    )

    kinds = [turn.event.kind for turn in (await client.history("leaf~2")).turns]
    assert kinds == ["run_started", "cancel_requested"]


async def test_a_run_that_signals_another_holds_nothing_while_it_waits_for_it(
    client: Client, store: str, watching: psycopg.Connection[Any]
) -> None:
    """Two that signal each other at the same moment would have to be told apart by the server, after a second."""
    await client.start(leaf, id="a")
    await client.start(leaf, id="b")
    worker = Worker(client, workflows=[leaf])
    await worker.run_until_idle()
    await client.signal("b", GO, 1)
    signal = SendSignal(seq=1, site="", target="a", name="go", payload=1)
    commit = committing(claim(client, leaf), 2, signal)
    with psycopg.connect(store) as other:
        other.execute("SELECT id FROM run WHERE id = 'a' FOR UPDATE")
        sending = threading.Thread(target=client.database.write_now, args=(commit,))
        sending.start()
        query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while watching.execute(query).fetchone() is None:
            assert sending.is_alive()

        other.execute("SELECT id FROM run WHERE id = 'b' FOR UPDATE NOWAIT")
        other.rollback()
        sending.join(PATIENCE)

    kinds = [turn.event.kind for turn in (await client.history("a")).turns]
    assert kinds == ["run_started", "signal_received"]
