"""The guards are found by themselves, and the tests notice when one is gone."""

from pathlib import Path

import pytest
from sqlalchemy import Boolean, Float, Integer, LargeBinary, Table
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel
from tests.guards.__main__ import ROOT, noticed_by
from tests.guards.mutants import Mutant, find

from holdfast import Client
from holdfast._store.database import Tx
from holdfast.errors import StoreError

TABLES = {table.name: table for table in SQLModel.metadata.sorted_tables}


def guards() -> list[Mutant]:
    return find(ROOT / "runtime")


def test_every_key_of_a_table_is_found_as_a_guard() -> None:
    keys = {mutant.what for mutant in guards() if mutant.what.startswith("the key")}

    for table in TABLES.values():
        assert f"the key ({', '.join(repr(column.name) for column in table.primary_key)})" in keys


def test_the_checks_of_epochs_are_found() -> None:
    found = [mutant for mutant in guards() if "lease_epoch" in mutant.what]

    assert {mutant.file.rpartition("/")[2] for mutant in found} >= {
        "runs.py",
        "attempts.py",
        "activities.py",
    }


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_second_row_with_the_same_key_is_refused(tmp_path: Path, name: str) -> None:
    client = Client(tmp_path / "keys.db")

    def twice(tx: Tx) -> None:
        for _ in range(2):
            tx.conn.execute(TABLES[name].insert().values(**_row(TABLES[name])))

    try:
        with pytest.raises(StoreError, match="UNIQUE constraint failed") as refused:
            client.database.write_now(twice)
    finally:
        client.close()
    assert isinstance(refused.value.__cause__, IntegrityError)


def _row(table: Table) -> dict[str, object]:
    filled: dict[str, object] = {}
    for column in table.columns:
        kind = column.type
        filled[column.name] = b"" if isinstance(kind, LargeBinary) else 1 if isinstance(kind, Integer | Float) else True if isinstance(kind, Boolean) else "x"  # fmt: skip
    return filled


def test_the_tests_notice_a_dropped_check_of_an_epoch() -> None:
    check = next(
        mutant
        for mutant in guards()
        if mutant.file.endswith("attempts.py") and "lease_epoch" in mutant.what
    )

    assert "test_fencing.py" in noticed_by(check, ("tests/runtime/store/test_fencing.py",))
