"""A worker, a client and a dashboard work with the rights of their role alone, and are refused everything else."""

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel
from sqlalchemy import make_url
from sqlmodel import SQLModel
from tests.postgres import Postgres
from tests.runtime.conftest import served

from holdfast import Client, RunHandle, Worker, activity, workflow
from holdfast._store.roles import GRANTS, KINDS, Kind
from holdfast.cli import main
from holdfast.client import Retention
from holdfast.clock import VirtualClock
from holdfast.errors import DatabasePermissionError, DatabaseVersionError, RunTerminatedError
from holdfast.schedules import Interval
from holdfast_dashboard.app import create_app

HOUR = 3_600_000


class Decision(BaseModel):
    approved: bool


number = workflow.Signal("number", int)
add = workflow.Update("add", int, int)


@activity.define
async def double(value: int) -> int:
    return value * 2


@workflow.define
async def part(value: int) -> int:
    return await double(value)


@workflow.define
async def order(first: int) -> int:
    """Use every kind of row."""
    total = [first]

    @add.handle
    def added(value: int) -> int:
        total[0] += value
        return total[0]

    workflow.compensate(double, 0)
    workflow.publish("state", "asking")
    workflow.set_attributes({"size": first})
    workflow.patched("larger")
    decision = await workflow.approval("go", ask="Go on?", to=["ann"], answer=Decision)
    value = await number.receive()
    return total[0] + value + await part(first) if decision.approved else 0


@workflow.define
async def tick(name: str) -> str:
    return name


@dataclass(frozen=True)
class Database:
    """Be a database with its roles: the URL of its owner, and a login of each kind."""

    owner: str
    names: Mapping[Kind, str]
    urls: Mapping[Kind, str]

    def options(self) -> list[str]:
        return [option for kind in KINDS for option in (f"--{kind}", self.names[kind])]


def holdfast(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--db", url])


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


@pytest.fixture(scope="module")
def made(server: Postgres) -> Iterator[Database]:
    mark = secrets.token_hex(4)
    names = {kind: f"hf {kind} {mark}" for kind in KINDS}  # names that must be quoted
    with server.database() as owner:
        Client(owner).close()
        urls = {
            kind: make_url(owner).set(username=f"me_{kind}_{mark}", password="s3cret").render_as_string(hide_password=False)
            for kind in KINDS
        }  # fmt: skip
        database = Database(owner, names, urls)
        done = holdfast(owner, "db", "roles", "--apply", *database.options())
        assert done.exit_code == 0, done.output
        for kind, name in names.items():
            execute(
                owner, f"CREATE ROLE me_{kind}_{mark} LOGIN PASSWORD 's3cret' IN ROLE \"{name}\""
            )
        yield database
        for kind, name in names.items():
            execute(owner, f'DROP OWNED BY "{name}"')
            execute(owner, f'DROP ROLE "me_{kind}_{mark}"')
            execute(owner, f'DROP ROLE "{name}"')


@pytest.fixture
def database(made: Database) -> Database:
    """Give the database with empty tables."""
    tables = ", ".join(name for name in SQLModel.metadata.tables if name != "compatibility")
    execute(made.owner, f"TRUNCATE {tables}")
    return made


@pytest.fixture
def opened(database: Database, clock: VirtualClock) -> Iterator[Callable[[Kind], Client]]:
    clients: list[Client] = []

    def opening(kind: Kind) -> Client:
        clients.append(Client(database.urls[kind], clock=clock))
        return clients[-1]

    yield opening
    for client in clients:
        client.close()


def working(client: Client) -> Worker:
    return Worker(client, workflows=[order, part, tick], activities=[double])


def test_every_table_says_who_may_do_what_to_it() -> None:
    assert set(GRANTS) == {*SQLModel.metadata.tables, "alembic_version"}


def test_the_command_prints_what_it_would_do_and_does_it(database: Database) -> None:
    printed = holdfast(database.owner, "db", "roles", *database.options()).stdout
    held = execute(database.owner, _HELD)
    name = database.names["dashboard"]

    execute(database.owner, f'REVOKE SELECT ON vote FROM "{name}"; GRANT DELETE ON run TO "{name}"')
    again = holdfast(database.owner, "db", "roles", "--apply", *database.options())

    assert f'GRANT USAGE ON SCHEMA public TO "{database.names["worker"]}"' in printed
    assert f'GRANT DELETE ON public.schedule_tick, public.wait TO "{database.names["client"]}";' in (
        printed.splitlines()
    )  # fmt: skip
    assert "CREATE ROLE" not in printed  # they are there
    assert again.exit_code == 0
    assert execute(database.owner, _HELD) == held


_HELD = (
    "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants "
    "WHERE grantee LIKE 'hf %' ORDER BY 1, 2, 3"
)


# What each may do


async def test_runs_and_schedules_come_to_their_end_with_the_roles_of_workers_and_clients(
    opened: Callable[[Kind], Client], clock: VirtualClock, tmp_path: Path
) -> None:
    client, archiving = opened("client"), opened("worker")
    worker = working(archiving)
    await worker._register()
    run = await client.start(order, 1, id="o-1", attributes={"customer": "ann"})
    await worker.run_until_idle()
    assert await served(worker, run.update(add, 5)) == 6
    await run.pause(by="ann")
    await run.resume()
    await run.decide("go", {"approved": True}, by="ann")
    await run.signal(number, 10)
    every = await client.create_schedule("hourly", tick, "ann", spec=Interval(every=timedelta(hours=1)))  # fmt: skip
    await worker.run_until_idle()
    clock.now_ms += HOUR
    await worker.run_until_idle()
    await every.trigger()
    await every.pause(by="ann")
    await every.update(priority=3)
    begin = datetime.fromtimestamp(clock.now_ms / 1000, UTC) - timedelta(hours=3)
    await every.backfill(begin, begin + timedelta(hours=2))
    await every.resume()
    await worker.run_until_idle()

    assert await run.result() == 18
    assert await client.query("o-1", "state") == "asking"
    assert {tick.outcome for tick in (await every.describe()).ticks if tick.state == "started"} == {
        "completed"
    }

    clock.now_ms += HOUR
    kept = Retention(older_than=timedelta(seconds=1), to=tmp_path)
    archived = await archiving.archive(kept)
    await worker._unregister()

    assert {item.kept for item in archived} == {""}
    assert "o-1" in {item.run for item in archived if item.deleted}


async def test_a_client_ends_runs_that_no_worker_advances(
    opened: Callable[[Kind], Client],
) -> None:
    client, worker = opened("client"), working(opened("worker"))
    runs = [await client.start(order, number, id=f"o-{number}") for number in (1, 2)]
    await worker.run_until_idle()

    await runs[0].cancel(reason="too late")
    await runs[1].terminate(reason="too late")
    await runs[0].terminate(reason="at once", compensate=False)
    await worker.run_until_idle()

    for run in runs:
        with pytest.raises(RunTerminatedError):
            await run.result()


async def test_a_dashboard_shows_every_page_with_its_role(opened: Callable[[Kind], Client]) -> None:
    client, worker = opened("client"), working(opened("worker"))
    await client.start(order, 1, id="o-1")
    await client.create_schedule("hourly", tick, "ann", spec=Interval(every=timedelta(hours=1)))
    await worker._register()
    await worker.run_until_idle()
    dashboard = opened("dashboard")
    asked = await dashboard.approvals()

    async with pages(dashboard) as browser:
        paths = ("/", "/runs", "/inbox", "/workers", "/about", "/runs/o-1", f"/runs/o-1/approvals/{asked[0].seq}")  # fmt: skip
        found = {path: (await browser.get(path)).status_code for path in paths}
        form = {"answer.approved": "true", "by": "ann"}
        own = {"Sec-Fetch-Site": "same-origin"}
        refused = await browser.post(paths[-1], data=form, headers=own)

    assert set(found.values()) == {200}, found
    assert refused.status_code == 403
    assert "The role lacks UPDATE on run" in refused.text
    await worker._unregister()


def pages(client: Client) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(client), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.mark.parametrize("kind", KINDS)
def test_commands_that_only_look_work_with_every_role(database: Database, kind: Kind) -> None:
    url = database.urls[kind]

    for command in (["runs"], ["inbox"], ["workers"], ["queue", "list"], ["schedule", "list"], ["db", "check"]):  # fmt: skip
        done = holdfast(url, *command)
        assert done.exit_code == 0, done.output
    assert holdfast(url, "db", "upgrade").stderr.startswith("nothing to do")


# What each may not do


Act = Callable[[Client, RunHandle[Any]], Awaitable[None]]


async def start(client: Client, _run: RunHandle[Any]) -> None:
    await client.start(tick, "a", id="t-1")


async def signal(_client: Client, run: RunHandle[Any]) -> None:
    await run.signal(number, 1)


async def decide(_client: Client, run: RunHandle[Any]) -> None:
    await run.decide("go", {"approved": True}, by="ann")


async def fork(_client: Client, run: RunHandle[Any]) -> None:
    await run.fork(at=1, id="f-1")


async def limit(client: Client, _run: RunHandle[Any]) -> None:
    await client.set_queue("default", activities=1)


async def unschedule(client: Client, _run: RunHandle[Any]) -> None:
    await client.get_schedule("hourly").delete()


async def work(client: Client, _run: RunHandle[Any]) -> None:
    await working(client).run()


async def rotate(client: Client, _run: RunHandle[Any]) -> None:
    await client.database.write(lambda tx: tx.conn.exec_driver_sql("UPDATE command SET name = 'x'"))


@pytest.mark.parametrize(
    ("kind", "acts"),
    [
        ("dashboard", [(start, "INSERT on run"), (signal, "UPDATE on run"), (decide, "UPDATE on run"), (work, "DELETE on worker")]),
        ("client", [(work, "DELETE on worker"), (fork, "INSERT on command"), (limit, "INSERT on queue"), (unschedule, "DELETE on schedule")]),
        ("worker", [(unschedule, "DELETE on schedule"), (limit, "INSERT on queue"), (rotate, "UPDATE on command")]),
    ],
)  # fmt: skip
async def test_what_a_role_may_not_do_is_refused_with_the_grant_that_is_missing(
    opened: Callable[[Kind], Client], kind: Kind, acts: list[tuple[Act, str]]
) -> None:
    client, worker = opened("client"), working(opened("worker"))
    run = await client.start(order, 1, id="o-1")
    await client.create_schedule("hourly", tick, "ann", spec=Interval(every=timedelta(hours=1)))
    await worker.run_until_idle()
    refused = opened(kind)

    for act, grant in acts:
        with pytest.raises(DatabasePermissionError) as caught:
            await act(refused, refused.get("o-1"))
        assert (
            f"permission denied for table {grant.split()[-1]}. Nothing was changed. The role lacks {grant}. "
            "Give the URL of a role that has it; `holdfast db roles` prints what a worker, a client and a dashboard need"
        ) in caught.value.message

    assert [item.id for item in await client.list_schedules()] == ["hourly"]
    assert [item.id for item in await client.list()] == ["o-1"]
    assert (await run.describe()).summary.status == "open"


@pytest.mark.parametrize("kind", KINDS)
def test_no_role_changes_the_tables(database: Database, kind: Kind) -> None:
    with psycopg.connect(database.urls[kind], autocommit=True) as connection:
        for statement in (
            b"CREATE TABLE mine (id integer)",
            b"ALTER TABLE run ADD COLUMN mine integer",
            b"DROP TABLE run",
            b"TRUNCATE run",
            b"CREATE INDEX mine ON run (id)",
            b"UPDATE compatibility SET min_compatible = '0001'",
            b"UPDATE alembic_version SET version_num = '0001'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


# Opening


@pytest.mark.parametrize("kind", KINDS)
def test_an_outdated_schema_is_left_to_the_owner(database: Database, kind: Kind) -> None:
    execute(database.owner, "UPDATE alembic_version SET version_num = '0005'")
    try:
        with pytest.raises(DatabaseVersionError) as refused:
            Client(database.urls[kind])
        upgrade = holdfast(database.urls[kind], "db", "upgrade")
    finally:
        execute(database.owner, "UPDATE alembic_version SET version_num = '0006'")

    assert "has schema 0005; this holdfast needs 0006. Nothing was changed." in str(refused.value)
    assert "with the URL of the owner" in str(refused.value)
    assert upgrade.exit_code == 2
    assert "Only the role that owns the tables may do that" in upgrade.stderr


def test_a_role_that_may_not_make_tables_does_not_try(server: Postgres, database: Database) -> None:
    with server.database() as owner:
        name = make_url(owner).database
        url = make_url(database.urls["worker"]).set(database=name)
        with pytest.raises(DatabasePermissionError) as refused:
            Client(url.render_as_string(hide_password=False))
        early = holdfast(owner, "db", "roles")
        tables = execute(owner, "SELECT count(*) FROM pg_class WHERE relname = 'alembic_version'")

    assert "has no tables of holdfast yet, and this role may not create them." in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert tables == [(0,)]
    assert early.exit_code == 2
    assert "Run `holdfast db upgrade` first" in early.stderr


def test_a_role_that_the_schema_does_not_let_in_is_told(server: Postgres) -> None:
    role = f"nobody_{secrets.token_hex(4)}"
    with server.database() as owner:
        Client(owner).close()
        execute(owner, f"REVOKE USAGE ON SCHEMA public FROM PUBLIC; CREATE ROLE {role} LOGIN PASSWORD 's3cret'")  # fmt: skip
        stranger = make_url(owner).set(username=role, password="s3cret")
        done = holdfast(stranger.render_as_string(hide_password=False), "runs")
    server.execute(f"DROP ROLE {role}")

    assert done.exit_code == 2
    assert "or this role may not use it" in done.stderr


def test_a_file_has_no_roles(tmp_path: Path) -> None:
    Client(tmp_path / "x.db").close()

    done = holdfast(str(tmp_path / "x.db"), "db", "roles")

    assert done.exit_code == 2
    assert "is a file, which has no roles" in done.stderr
