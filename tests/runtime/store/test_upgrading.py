"""Schemas grow under workers that go on: only what is added needs no stop, and what takes away says whom it leaves behind."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import Connection, create_engine, inspect, text
from tests.postgres import Postgres

from holdfast import Client, Worker, workflow
from holdfast._store import schema
from holdfast.cli import main
from holdfast.errors import DatabaseVersionError

EXPAND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0099", "{head}", None, None
{mark}

def upgrade():
    op.add_column("run", sa.Column("colour", sa.String(), nullable=False, server_default="blue"))
    op.create_table("palette", sa.Column("id", sa.String(), primary_key=True))
"""


@workflow.define
async def doubled(value: int) -> int:
    return value * 2


@contextlib.contextmanager
def connected(path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def made_at(path: Path, revision: str) -> Path:
    """Make a database as a release of that schema left it."""
    with connected(path) as connection:
        schema.upgrade(connection, revision)
    return path


def add_worker(path: Path, *, seen_at: int, stopped_at: int | None = None) -> None:
    with connected(path) as connection:
        connection.execute(
            text(
                "INSERT INTO worker (id, host, pid, queue, workflows, activities, slots, busy, started_at, seen_at,"
                " loop_seen_at, stopped_at) VALUES ('old-1', 'h', 1, 'default', '{}', '[]', 1, 0, 0, :seen, 0, :stopped)"
            ),
            {"seen": seen_at, "stopped": stopped_at},
        )


def milliseconds_now() -> int:
    return round(time.time() * 1000)


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Add the migration of a release to come; `mark` is a line of it."""

    def add(mark: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(Path(schema.__file__).parent / "migrations", folder)
        source = EXPAND.format(head=schema.HEAD, mark=mark)
        (folder / "versions" / "0099_colours.py").write_text(source)
        monkeypatch.setattr(schema, "_MIGRATIONS", folder)

    return add


# The rule: a migration adds, or says whom it leaves behind


def shape(connection: Connection) -> dict[str, Any]:
    there = inspect(connection)
    return {
        name: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in there.get_columns(name)},
            "key": tuple(there.get_pk_constraint(name)["constrained_columns"]),
            "indexes": {str(i["name"]) for i in there.get_indexes(name)},
            "unique": {str(i["name"]) for i in there.get_indexes(name) if i["unique"]}
            | {str(u["name"]) for u in there.get_unique_constraints(name)},
            "checks": len(there.get_check_constraints(name)),
        }
        for name in there.get_table_names()
    }  # fmt: skip


def taken_away(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what a worker that knows only the schema before would trip over."""
    found = [f"table {name} is gone" for name in before if name not in after]
    for name in set(before) & set(after):
        old, new = before[name], after[name]
        for column, kind in old["columns"].items():
            if new["columns"].get(column) != kind:
                found.append(f"column {name}.{column} is gone or another")
        for column in set(new["columns"]) - set(old["columns"]):
            _, nullable, default = new["columns"][column]
            if not nullable and default is None:
                found.append(f"column {name}.{column} must be given")
        if old["key"] != new["key"]:
            found.append(f"the key of {name} is another")
        found += [f"index {index} is gone" for index in old["indexes"] - new["indexes"]]
        found += [
            f"{unique} of {name} is new and unique" for unique in new["unique"] - old["unique"]
        ]
        if new["checks"] > old["checks"]:
            found.append(f"{name} is checked for more")
    return found


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    return ScriptDirectory.from_config(config)


def test_the_code_knows_exactly_the_migrations_that_there_are() -> None:
    assert tuple(s.revision for s in reversed(list(scripts().walk_revisions()))) == schema.REVISIONS


@pytest.mark.parametrize("revision", [rev for rev in schema.REVISIONS if rev > "0002"])
def test_a_migration_leaves_the_workers_of_the_release_before_at_work(
    tmp_path: Path, revision: str
) -> None:
    script = scripts().get_revision(revision)
    assert isinstance(script.down_revision, str)
    path = made_at(tmp_path / "x.db", script.down_revision)
    with connected(path) as connection:
        before = shape(connection)
        schema.upgrade(connection, revision)
        after = shape(connection)

    contract = hasattr(script.module, "min_compatible")
    assert contract or taken_away(before, after) == []


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("DROP TABLE drift", "table drift is gone"),
        ("ALTER TABLE run DROP COLUMN python", "column run.python is gone or another"),
        ("ALTER TABLE run RENAME COLUMN python TO version", "column run.python is gone or another"),
        ("CREATE UNIQUE INDEX one ON wait (name)", "one of wait is new and unique"),
        ("DROP INDEX ix_run_open", "index ix_run_open is gone"),
        ("ALTER TABLE run ADD COLUMN colour VARCHAR", None),
        ("ALTER TABLE run ADD COLUMN colour VARCHAR NOT NULL DEFAULT 'x'", None),
        ("CREATE INDEX another ON wait (name)", None),
        ("CREATE TABLE other (id INTEGER)", None),
    ],
)
def test_the_rule_tells_what_adds_from_what_takes_away(
    tmp_path: Path, statement: str, complaint: str | None
) -> None:
    with connected(made_at(tmp_path / "x.db", schema.HEAD)) as connection:
        before = shape(connection)
        connection.execute(text(statement))

        found = taken_away(before, shape(connection))

    assert complaint in found if complaint else found == []


# Newer databases


async def test_a_worker_goes_on_while_the_next_release_upgrades_its_database(
    tmp_path: Path, next_release: Callable[[str], None]
) -> None:
    path = tmp_path / "shared.db"
    client = Client(path)
    worker = Worker(client, workflows=[doubled])
    before = await client.start(doubled, 1)
    await worker.run_until_idle()
    next_release("")

    with connected(path) as connection:
        schema.upgrade(connection, "head")
    during = await client.start(doubled, 2)
    await worker.run_until_idle()
    client.close()
    again = Client(path)  # started once more, the release before still works

    assert await again.get(before.id).result() == 2
    assert await again.get(during.id).result() == 4
    after = await again.start(doubled, 3)
    await Worker(again, workflows=[doubled]).run_until_idle()
    assert await after.result() == 6
    again.close()


def test_a_release_that_is_left_behind_by_a_contract_migration_says_so(
    tmp_path: Path, next_release: Callable[[str], None]
) -> None:
    path = made_at(tmp_path / "shared.db", schema.HEAD)
    next_release('min_compatible = "0098"')
    with connected(path) as connection:
        schema.upgrade(connection, "head")

    with pytest.raises(DatabaseVersionError) as refused:
        Client(path)

    assert refused.value.message == (
        f"{path} has schema 0099; this holdfast knows schemas up to {schema.HEAD}, and a release of schema 0098 or later "
        "is needed. A newer release has upgraded it. Upgrade holdfast; nothing was changed."
    )


# Older databases


def version_of(path: Path) -> str | None:
    with connected(path) as connection:
        return schema.standing(connection).version


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_an_old_file_that_nobody_uses_is_upgraded_as_it_is_opened(
    tmp_path: Path, revision: str
) -> None:
    path = made_at(tmp_path / "old.db", revision)
    add_worker(path, seen_at=milliseconds_now() - 3_600_000)  # it was killed an hour ago

    Client(path).close()

    assert version_of(path) == schema.HEAD


def test_an_old_file_that_a_worker_uses_is_upgraded_only_by_command(tmp_path: Path) -> None:
    path = made_at(tmp_path / "old.db", "0002")
    add_worker(path, seen_at=milliseconds_now())

    with pytest.raises(DatabaseVersionError) as refused:
        Client(path)
    assert "has schema 0002 and is in use by worker old-1" in refused.value.message
    assert "Run `holdfast db upgrade`" in refused.value.message
    assert version_of(path) == "0002"

    result = CliRunner().invoke(main, ["db", "upgrade", "--db", str(path)])

    assert (result.exit_code, result.stderr) == (
        0,
        f"schema 0002 -> {schema.HEAD}: {', '.join(schema.REVISIONS[2:])}\n",
    )
    Client(path).close()


def test_a_server_is_upgraded_only_by_command(server: Postgres) -> None:
    with server.database() as url:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            schema.upgrade(connection, "0002")
        engine.dispose()

        with pytest.raises(DatabaseVersionError, match="has schema 0002; this holdfast needs"):
            Client(url)
        done = CliRunner().invoke(main, ["db", "upgrade", "--db", url])
        checked = CliRunner().invoke(main, ["db", "check", "--db", url])

        assert (done.exit_code, checked.exit_code) == (0, 0), done.output + checked.output
        Client(url).close()


def test_a_worker_that_has_stopped_holds_up_no_upgrade(tmp_path: Path) -> None:
    path = made_at(tmp_path / "old.db", "0002")
    add_worker(path, seen_at=milliseconds_now(), stopped_at=milliseconds_now())

    Client(path).close()

    assert version_of(path) == schema.HEAD


def test_the_printed_statements_make_the_same_schema_and_printing_changes_nothing(
    tmp_path: Path,
) -> None:
    path, copy = made_at(tmp_path / "old.db", "0002"), tmp_path / "copy.db"
    shutil.copy(path, copy)

    printed = CliRunner().invoke(main, ["db", "upgrade", "--sql", "--db", str(path)])

    assert printed.exit_code == 0, printed.stderr
    assert version_of(path) == "0002"
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        connection.executescript(printed.stdout)
    Client(path).close()
    with connected(path) as one, connected(copy) as other:
        assert shape(one) == shape(other)
        assert schema.standing(one) == schema.standing(other)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "0042"], "--to 0042: this holdfast has no such schema. It knows 0001, 0002"),
        (["--to", "0001"], "and schemas are not taken back. Restore a copy"),
    ],
)
def test_a_schema_that_does_not_lie_ahead_is_refused(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    path = made_at(tmp_path / "old.db", "0002")

    result = CliRunner().invoke(main, ["db", "upgrade", "--db", str(path), *arguments])

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert version_of(path) == "0002"


# Checking


@pytest.mark.parametrize(
    ("statement", "code", "finding"),
    [
        ("SELECT 1", 0, ""),
        ("UPDATE alembic_version SET version_num = '0002'", 1, "warning  schema.pending  The schema is 0002; pending: "),
        ("UPDATE alembic_version SET version_num = '9999'", 0, "notice  schema.newer  The schema is 9999, of a newer release"),
        ("UPDATE compatibility SET min_compatible = '9000'; UPDATE alembic_version SET version_num = '9999'", 2,
         "error  schema.too_new  The schema is 9999"),
        ("DROP TABLE drift", 2, "error  schema.missing  There is no table drift."),
        ("ALTER TABLE run DROP COLUMN retries_used", 2, "error  schema.missing  There is no column run.retries_used."),
        ("DROP INDEX ix_activity_due", 1, "warning  schema.missing_index  There is no index ix_activity_due."),
        ("CREATE TABLE notes (id INTEGER)", 0, "notice  schema.extra  Not of holdfast: table notes."),
    ],
)  # fmt: skip
def test_a_check_compares_the_database_with_what_the_release_expects(
    tmp_path: Path, statement: str, code: int, finding: str
) -> None:
    path = made_at(tmp_path / "x.db", schema.HEAD)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    before = version_of(path)

    result = CliRunner().invoke(main, ["db", "check", "--db", str(path)])

    assert result.exit_code == code, result.output
    assert result.stdout.startswith(finding)
    assert version_of(path) == before


def test_a_check_finds_damage(tmp_path: Path) -> None:
    path = made_at(tmp_path / "x.db", schema.HEAD)
    data = bytearray(path.read_bytes())
    data[-4096 * 3 :] = b"\xff" * (4096 * 3)
    path.write_bytes(bytes(data))

    result = CliRunner().invoke(main, ["db", "check", "--db", str(path)])

    assert result.exit_code == 2
    assert "error  schema.damage  " in result.stdout
    assert "restore a copy" in result.stdout
