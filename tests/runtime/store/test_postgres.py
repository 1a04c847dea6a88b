"""Postgres is opened, or refused with a sentence that shows no password."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url
from sqlmodel import SQLModel
from tests.postgres import GUARDED, Postgres

from holdfast import Client, workflow
from holdfast.errors import DatabaseCorruptError, DatabaseUnavailableError, DatabaseVersionError

SECRET = "s3cr3t/word"


@workflow.define
async def flow() -> None:
    pass


@pytest.fixture
def empty(server: Postgres) -> Iterator[str]:
    """Give the URL of a database without tables."""
    with server.database() as url:
        yield url


def with_user(url: str, user: str, password: str) -> str:
    return make_url(url).set(username=user, password=password).render_as_string(hide_password=False)


def in_schema(url: str, schema: str) -> str:
    return f"{url}?options=-csearch_path%3D{schema}"


def refusal(url: str) -> str:
    with pytest.raises(DatabaseUnavailableError) as caught:
        Client(url)
    chain: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        chain.append(str(error))
        error = error.__cause__ or error.__context__
    assert SECRET not in " ".join(chain)
    return str(caught.value)


# Opening


def test_the_tables_are_the_sum_of_the_migrations(empty: str) -> None:
    Client(empty).close()
    engine = create_engine(make_url(empty).set(drivername="postgresql+psycopg"))

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    engine.dispose()

    assert differences == []


def test_many_processes_may_open_a_new_database_at_once(empty: str) -> None:
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Client(empty).close()
        except BaseException as error:  # noqa: BLE001 - every error counts here
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


def test_a_migration_that_fails_leaves_nothing_behind(
    empty: str, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast._store.schema.upgrade", _half_an_upgrade)
    with pytest.raises(ZeroDivisionError):
        Client(empty)
    monkeypatch.undo()

    Client(empty).close()

    name = make_url(empty).database or ""
    assert server.execute("SELECT to_regclass('half')", database=name) == [(None,)]


def _half_an_upgrade(conn: object) -> None:
    conn.exec_driver_sql("CREATE TABLE half (id integer)")  # type: ignore[attr-defined]
    raise ZeroDivisionError


async def test_two_schemas_of_one_database_have_nothing_in_common(
    empty: str, server: Postgres
) -> None:
    name = make_url(empty).database or ""
    server.execute("CREATE SCHEMA one", database=name)
    server.execute("CREATE SCHEMA two", database=name)

    async with Client(in_schema(empty, "one")) as one, Client(in_schema(empty, "two")) as two:
        await one.start(flow, id="r")

        assert [run.id for run in await one.list()] == ["r"]
        assert await two.list() == []


def test_a_schema_that_does_not_exist_is_named(empty: str) -> None:
    assert "the schema that search_path names does not exist" in refusal(
        in_schema(empty, "nowhere")
    )


def test_a_database_of_a_newer_release_is_refused(empty: str, server: Postgres) -> None:
    Client(empty).close()
    name = make_url(empty).database or ""
    server.execute("UPDATE alembic_version SET version_num = '9999'", database=name)
    server.execute("UPDATE compatibility SET min_compatible = '9000'", database=name)

    with pytest.raises(DatabaseVersionError, match="has schema 9999; this holdfast knows"):
        Client(empty)


def test_somebody_elses_database_is_refused(empty: str, server: Postgres) -> None:
    server.execute("CREATE TABLE customer (id integer)", database=make_url(empty).database or "")

    with pytest.raises(DatabaseCorruptError, match="holds other tables and no holdfast schema"):
        Client(empty)


# Refusals


def test_a_wrong_password_is_not_shown(empty: str, server: Postgres) -> None:
    with contextlib.suppress(Exception):
        server.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'another'")

    text = refusal(with_user(empty, GUARDED, SECRET))

    assert "password authentication failed" in text
    assert "Check the user and the password" in text


def test_a_database_that_does_not_exist_is_named(server: Postgres) -> None:
    text = refusal(with_user(server.url("nowhere"), "postgres", SECRET))

    assert 'database "nowhere" does not exist' in text
    assert "Create it, or correct the URL" in text


def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    text = refusal(f"postgresql://me:{SECRET.replace('/', '%2F')}@127.0.0.1:{port}/orders")

    assert text.startswith(f"postgresql://me@127.0.0.1:{port}/orders cannot be used: ")
    assert "Check that the server runs" in text


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:x@{SECRET}@127.0.0.1/orders",
        f"postgresql://me@127.0.0.1:{SECRET}/orders",
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str) -> None:
    text = refusal(url)

    assert "Expected postgresql://user:password@host:5432/database" in text


def test_a_setting_that_does_not_exist_is_named(empty: str) -> None:
    assert "sslmood" in refusal(f"{empty}?sslmood=on")


def test_without_the_driver_the_extra_is_named(empty: str) -> None:
    script = (
        "import sys\nsys.modules['psycopg'] = None\n"
        "from holdfast.cli import main\nsys.argv = ['holdfast', 'runs']\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "HOLDFAST_DB": empty}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2, done
    assert done.stderr.startswith(
        "holdfast: A postgresql:// database needs the driver psycopg, which is not installed"
    )
    assert "pip install 'holdfast[postgres]'" in done.stderr


def test_a_command_prints_no_password(empty: str, server: Postgres) -> None:
    role = f"{make_url(empty).database}_role"
    server.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{SECRET}'")
    url = with_user(empty, role, SECRET)
    environment = {**os.environ, "HOLDFAST_DB": url, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-m", "holdfast", "worker", "test_postgres"], env=environment, stderr=subprocess.PIPE, text=True
    ) as worker:  # fmt: skip
        assert worker.stderr is not None
        said = worker.stderr.readline()
        worker.terminate()
        said += worker.stderr.read()
    server.execute(f"DROP OWNED BY {role}", database=make_url(empty).database or "")

    assert f"postgresql://{role}@" in said
    assert SECRET not in said
