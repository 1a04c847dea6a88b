"""`holdfast dashboard` as a process: it says where it is, refuses what it cannot do, and stops when told to."""

import contextlib
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from holdfast import Client

HOLDFAST = Path(sys.executable).with_name("holdfast")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    Client(tmp_path / "holdfast.db").close()
    return tmp_path / "holdfast.db"


def refused(*arguments: str) -> str:
    """Run a command that must fail by a sentence, and return the sentence."""
    done = subprocess.run(
        [HOLDFAST, "dashboard", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [HOLDFAST, "dashboard", "--port", "0", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_it_prints_one_line_serves_and_stops_at_once_with_an_open_stream(database: Path) -> None:
    with running("--db", str(database)) as (process, line):
        url = line.removeprefix("dashboard: ").strip()
        assert line == f"dashboard: {url}\n"
        with httpx.stream("GET", f"{url}/live?since=99") as stream:
            assert next(stream.iter_lines()) == "event: changed"
            process.send_signal(signal.SIGTERM)
            assert process.wait(2) == 0
            rest, errors = process.communicate()
    assert (rest, errors) == ("", "")


def test_ctrl_c_stops_it_as_well(database: Path) -> None:
    with running("--db", str(database), "--host", "localhost") as (process, line):
        assert line.startswith("dashboard: http://")
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0


def test_a_port_in_use_is_said_in_a_sentence(database: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused("--db", str(database), "--port", str(port))

    assert f"Port {port} of 127.0.0.1 is in use" in sentence
    assert "--port 0" in sentence


def test_a_database_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    sentence = refused("--db", str(tmp_path / "none.db"))

    assert "There is no database at" in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text(
        "not a database, only some text that is long enough to be read" * 20
    )

    assert "is not a usable database" in refused("--db", str(tmp_path / "notes.db"))


def test_a_database_of_a_newer_release_is_refused(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE compatibility SET min_compatible = '9999'")

    assert "Upgrade holdfast" in refused("--db", str(database))


def test_an_address_that_others_reach_is_refused(database: Path) -> None:
    assert "no sign-in yet" in refused("--db", str(database), "--host", "0.0.0.0")
