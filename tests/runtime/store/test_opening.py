"""Databases are made, upgraded and refused with a sentence; a refused file is left as it was."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from holdfast import Client
from holdfast._store import blank, schema, tables
from holdfast.errors import DatabaseCorruptError, DatabaseUnavailableError, DatabaseVersionError


def test_the_tables_are_the_sum_of_the_migrations(tmp_path: Path) -> None:
    Client(tmp_path / "made.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    engine.dispose()

    assert differences == []
    assert tables.run.name == "run"


def test_a_process_makes_its_second_database_without_the_migrations_and_just_like_the_first(
    tmp_path: Path,
) -> None:
    blank._script.clear()
    dumps = []
    for name in ("first.db", "second.db"):
        Client(tmp_path / name).close()
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as connection:
            dumps.append(list(connection.iterdump()))

    assert dumps[0] == dumps[1]
    assert dumps[0][1:-1] == blank._script
    assert 'INSERT INTO "alembic_version" VALUES(\'' + schema.HEAD + "');" in dumps[1]


def test_the_newest_migration_is_the_version_that_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_a_new_database_writes_ahead_and_syncs_fully(tmp_path: Path) -> None:
    client = Client(tmp_path / "made.db")

    modes = client.database.write_now(  # the settings of a live connection are not in the file
        lambda tx: [
            tx.conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        ]
    )
    client.close()

    assert modes == ["wal", 2]


def test_a_database_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    Client(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE compatibility SET min_compatible = '9000'")
    connection.close()

    with pytest.raises(
        DatabaseVersionError,
        match=r"newer\.db has schema 9999; this holdfast knows schemas up to 0006",
    ):
        Client(path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photo.db"
    path.write_bytes(b"not a database, whatever its name says " * 100)
    before = path.read_bytes()

    with pytest.raises(
        DatabaseCorruptError, match=r"photo\.db is not a usable database: file is not a database"
    ):
        Client(path)

    assert path.read_bytes() == before


def test_a_damaged_database_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    Client(path).close()
    data = bytearray(path.read_bytes())
    data[100:3000] = b"\xff" * 2900
    path.write_bytes(bytes(data))

    with pytest.raises(DatabaseCorruptError, match=r"damaged\.db is not a usable database"):
        Client(path)


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customer (id INTEGER)")
    connection.close()

    with pytest.raises(DatabaseCorruptError, match="holds other tables and no holdfast schema"):
        Client(path)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="Check that its folder exists"):
        Client(tmp_path / "nowhere" / "x.db")


def test_a_url_of_another_kind_of_server_says_what_is_supported() -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"mysql:// is not supported\. Give a path"):
        Client("mysql://localhost/x")


def test_many_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Client(tmp_path / "shared.db").close()
        except BaseException as error:  # noqa: BLE001 - every error counts here
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


async def test_a_database_that_vanishes_is_noticed_and_acknowledges_nothing(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.db"
    client = Client(path)
    path.rename(tmp_path / "elsewhere.db")

    with pytest.raises(DatabaseUnavailableError, match="was removed or replaced while it was open"):
        await client.list()
    (tmp_path / "elsewhere.db").rename(path)

    assert await client.list() == []
    client.close()


async def test_a_database_that_is_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.db"
    client = Client(path)
    path.rename(tmp_path / "elsewhere.db")
    path.write_bytes(b"")

    with pytest.raises(
        DatabaseUnavailableError, match="start this process again to use the new one"
    ):
        await client.list()
    client.close()
