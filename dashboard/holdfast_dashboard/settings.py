"""Where the dashboard listens, which database it opens, and what ships inside it."""

import ipaddress
import tomllib
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import UsageError

PACKAGE = Path(__file__).parent
STATIC = PACKAGE / "static"
TEMPLATES = PACKAGE / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendored:
    """Describe a library of others that ships inside the dashboard; `files` maps names to SHA-256."""

    name: str
    version: str
    spdx: str
    source: str
    integrity: str
    files: dict[str, str]
    folder: Path


def checked_host(host: str) -> str:
    """Return an address that only this machine reaches, or raise `UsageError`."""
    bare = host.removeprefix("[").removesuffix("]")
    if bare == "localhost":
        return bare
    try:
        loopback = ipaddress.ip_address(bare).is_loopback
    except ValueError:
        raise UsageError(
            f"--host {host} is not an address of this machine. Use 127.0.0.1, ::1 or localhost."
        ) from None
    if not loopback:
        raise UsageError(
            f"--host {host} can be reached from other machines, and the dashboard has no sign-in yet: anyone there "
            "could read runs and decide approvals. Use 127.0.0.1, and an SSH tunnel from elsewhere."
        )
    return bare


def address(host: str, port: int) -> str:
    """Return the URL of a host and port."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def database_file(url: str) -> Path | None:
    """Return the file of a database given as a path or `sqlite:///` URL; None when it is no file."""
    place = url.removeprefix("sqlite:///")
    if "://" in place or place in {"", ":memory:"}:
        return None
    return Path(place)


def existing_database(url: str) -> str:
    """Return the database as given, or raise `UsageError` when its file does not exist."""
    file = database_file(url)
    if file is not None and not file.is_file():
        raise UsageError(
            f"There is no database at {file}. Name it with --db or HOLDFAST_DB; a worker or the first started run "
            "makes one, the dashboard does not."
        )
    return url


def vendored() -> list[Vendored]:
    """Return the libraries that ship inside the dashboard, by name."""
    return [_vendored(file) for file in sorted((STATIC / "vendor").glob("*/vendor.toml"))]


def _vendored(file: Path) -> Vendored:
    facts = tomllib.loads(file.read_text(encoding="utf-8"))
    return Vendored(
        name=facts["name"],
        version=facts["version"],
        spdx=facts["spdx"],
        source=facts["source"],
        integrity=facts["integrity"],
        files=facts["sha256"],
        folder=file.parent,
    )
