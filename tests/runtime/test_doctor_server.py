"""What the doctor knows of a Postgres server is what the server says."""

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url
from tests.postgres import FAST, Postgres, create
from tests.proxy import Deaf

from holdfast import Client, Worker, workflow
from holdfast._examining import examine
from holdfast._store.database import Database
from holdfast._store.postgres_errors import refuse_old
from holdfast.cli import main
from holdfast.doctor import Facts, IdleSession, ServerFacts, diagnose
from holdfast.errors import DatabaseVersionError


@workflow.define
async def flow() -> None: ...


Run = Callable[[str], None]


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """Give the URL of a database whose settings are those of the server again afterwards."""
    yield postgres_url
    name = make_url(postgres_url).database
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{name}" RESET ALL'.encode())


@pytest.fixture
def run(server: Postgres, url: str) -> Run:
    """Return what runs a statement in the database, as a superuser; `{database}` is its name."""
    name = make_url(url).database or ""

    def running(statement: str) -> None:
        server.execute(statement.replace("{database}", f'"{name}"'), database=name)

    return running


def known(url: str) -> tuple[ServerFacts, Facts]:
    database = Database(url, as_it_is=True)
    try:
        facts = examine(database)
    finally:
        database.close()
    assert facts.server is not None
    return facts.server, facts


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role, password="s3cret").render_as_string(hide_password=False)


def found(facts: Facts, code: str) -> list[str]:
    return [item.what for item in diagnose(facts) if item.code == code]


def test_a_server_is_known_by_its_release_and_settings(url: str, run: Run) -> None:
    run("ALTER DATABASE {database} SET synchronous_commit = off")
    run("ALTER TABLE inbound SET (autovacuum_enabled = false)")
    server, facts = known(url)
    run("ALTER TABLE inbound RESET (autovacuum_enabled)")
    again, _ = known(url)

    assert server.version >= 130_000
    assert "synchronous_commit is off." in found(facts, "server.durability")
    assert found(facts, "server.autovacuum")[-1] == "autovacuum is off for table inbound."
    assert (again.not_vacuumed, again.read_only, again.lacking, again.hears) == ((), "", (), True)
    assert set(server.settings) == {"fsync", "full_page_writes", "synchronous_commit", "autovacuum"}


async def test_what_a_role_may_open_is_held_against_what_workers_open(
    url: str, run: Run, role: str
) -> None:
    own = as_role(url, role)
    free, _ = known(own)
    run(f"ALTER ROLE {role} CONNECTION LIMIT 9")
    limited, facts = known(own)
    async with Client(url) as client:
        workers = [Worker(client, workflows=[flow]) for _ in range(2)]
        for worker in workers:
            await worker._register()
        _, crowded = known(own)
        for worker in workers:
            await worker._unregister()

    assert free.connections > 9
    assert (limited.connections, limited.per_process) == (9, 7)
    assert found(facts, "server.connections") == []
    assert found(crowded, "server.connections") == [
        "2 live workers may open 14 connections, and 9 are allowed."
    ]


def test_a_session_that_holds_rows_in_an_idle_transaction_is_named(url: str) -> None:
    with psycopg.connect(url, application_name="report") as holder, psycopg.connect(url) as reader:
        holder.execute("SELECT id FROM run FOR UPDATE")
        reader.execute("SELECT id FROM run")  # in a transaction as well, and in nobody's way
        pid = holder.info.backend_pid
        server, facts = known(url)

    (idle,) = server.idle
    long = replace(facts, server=replace(server, idle=[replace(idle, idle=60_000)]))
    assert idle == IdleSession(pid=pid, user=idle.user, program="report", idle=idle.idle, tables=("run",))  # fmt: skip
    assert found(facts, "server.idle_transaction") == []  # that is no time
    assert found(long, "server.idle_transaction") == [
        f"Session {pid} ({idle.user}, report) has done nothing in its transaction for 1 min and holds locks on run."
    ]


def test_a_database_that_takes_no_writes_is_found(url: str, run: Run) -> None:
    run("ALTER DATABASE {database} SET default_transaction_read_only = on")
    try:
        _, facts = known(url)
    finally:
        with psycopg.connect(url, options="-c default_transaction_read_only=off", autocommit=True) as owner:  # fmt: skip
            name = make_url(url).database
            owner.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())

    assert found(facts, "server.read_only") == [
        "The database takes no writes: default_transaction_read_only is on."
    ]


def test_a_standby_is_found_without_being_written_to() -> None:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-standby-"))
    standby = create(folder, FAST)
    (standby.data / "standby.signal").touch()  # it waits for what a primary would send
    standby.start()
    try:
        server, facts = known(standby.url())
    finally:
        standby.stop("immediate")
        shutil.rmtree(folder)

    assert found(facts, "server.read_only") == [
        "The database takes no writes: this server is a standby."
    ]
    assert server.hears is None


@pytest.fixture
def role(url: str, run: Run) -> Iterator[str]:
    """Give a login that may do what a client may."""
    Client(url).close()
    mark = secrets.token_hex(4)
    names = [f"hf_{kind}_{mark}" for kind in ("worker", "client", "dashboard")]
    options = [item for name in names for item in (f"--{name.split('_')[1]}", name)]
    done = CliRunner().invoke(main, ["db", "roles", "--apply", "--db", url, *options])
    assert done.exit_code == 0, done.output
    run(f"ALTER ROLE hf_client_{mark} LOGIN PASSWORD 's3cret'")
    yield f"hf_client_{mark}"
    for name in names:
        run(f"DROP OWNED BY {name}")
        run(f"DROP ROLE {name}")


def test_a_grant_that_is_missing_is_found(url: str, run: Run, role: str) -> None:
    own = as_role(url, role)
    whole, _ = known(own)
    run(f"REVOKE INSERT ON vote FROM {role}")
    _, narrow = known(own)
    run(f"REVOKE SELECT ON run FROM {role}")
    shown = CliRunner().invoke(main, ["doctor", "--db", own])

    assert whole.lacking == ()
    assert found(narrow, "server.privileges") == [
        "This role lacks INSERT on vote, which a client needs."
    ]
    assert "This role lacks SELECT on run, which a client needs." in shown.stdout
    assert shown.exit_code == 2


def test_a_pooler_that_loses_notifications_is_found(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast._store.postgres._HEARING", 0.2)  # nothing will come
    with contextlib.closing(Deaf(url)) as pooler:
        server, facts = known(pooler.url)

    assert server.hears is False
    assert found(facts, "server.listen") == [
        "A notification that was sent did not arrive at the session that listened for it."
    ]


def test_an_old_server_is_refused() -> None:
    with pytest.raises(DatabaseVersionError, match="on Postgres 12; 13 or later is needed"):
        refuse_old(120_022, "postgresql://h/d")
    refuse_old(130_000, "postgresql://h/d")
