"""Archiving closed runs: files that still replay, read back before anything is deleted.

A run is in the database, in a file, or in both; never in neither. Each step is durable before the next begins, and all
of them may be repeated: the name of a file holds the digest of what is in it, so another content gets another name.
"""

import asyncio
import contextlib
import gzip
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from holdfast._arguments import check_duration, check_kind, check_whole, checked_list
from holdfast._masking import logger
from holdfast._store import reading, retention
from holdfast._store.database import Database
from holdfast._store.retention import Candidate
from holdfast.clock import instant, milliseconds
from holdfast.errors import (
    ArgumentError,
    HistoryFormatError,
    HoldfastError,
    PayloadError,
    StoreError,
)
from holdfast.history import SUFFIX, History, dump_history, load_history
from holdfast.runs import RunStatus

log = logger("holdfast.worker")

RETENTION = "a Retention(older_than=…, to=…)"
_BATCH = 100
_BUDGET = 20  # runs of one sweep
_BREATH = 1.0  # seconds between the sweeps of a backlog, in which others come to the database
_NAME = 120  # characters of a run id that a file name has room for
_PLAIN = re.compile(r"[^A-Za-z0-9._~-]")

Verify = Callable[[History], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """Describe what was done with one run: the file that has its history, or why it was kept."""

    run: str
    workflow: str
    status: str
    closed_at: int
    file: Path | None = None
    deleted: bool = False
    kept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Say which closed runs are archived, and where their histories go.

    Args:
        older_than: How long a run must have been closed.
        to: The folder of the files; one folder for each month is made in it.
        statuses: Which runs, by how they ended; by default all.
        delete: Whether the rows of an archived run are deleted.
        compress: Whether the files are compressed with gzip.
        plain_text: Whether histories of a database that encrypts payloads may be written, too: the files are plain text.
        verify: What else must hold of a history before the run is deleted: it returns why not, or None.
    """

    older_than: timedelta
    to: Path
    statuses: Collection[str] = ()
    delete: bool = True
    compress: bool = False
    plain_text: bool = False
    verify: Verify | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_duration(
            "Retention", "older_than", self.older_than, least=timedelta(0), optional=False
        )
        check_kind("Retention", "to", self.to, Path, "a pathlib.Path, the folder of the files")
        checked_list("Retention", "statuses", self.statuses, str, "statuses")
        unknown = set(self.statuses) - set(RunStatus) | ({"open"} & set(self.statuses))
        if unknown:
            known = ", ".join(status for status in RunStatus if status is not RunStatus.OPEN)
            raise ArgumentError(
                f"status {', '.join(sorted(unknown))}: a closed run has none such. Expected {known}."
            )


class Archiving:
    """Archive the closed runs of a database."""

    database: Database

    async def archive(
        self, retention: Retention, *, dry_run: bool = False, limit: int | None = None
    ) -> list[Archived]:
        """Write the histories of closed runs to files that still replay, and then delete the runs if asked to.

        Args:
            retention: Which runs, and where to.
            dry_run: Whether only to say which runs it would be.
            limit: How many runs at most.

        Returns:
            What was done with each run. One that cannot be archived is kept, with the reason.
        """
        check_kind("archive", "retention", retention, Retention, RETENTION)
        check_whole("archive", "limit", limit, least=1, optional=True)
        return await asyncio.to_thread(
            archive_now, self.database, retention, dry_run=dry_run, limit=limit
        )


def archive_now(
    database: Database, asked: Retention, *, dry_run: bool = False, limit: int | None = None
) -> list[Archived]:
    """Archive on the calling thread; see `Archiving.archive`."""
    _refuse_plain_text(database, asked)
    done: list[Archived] = []
    after: tuple[int, str] | None = None
    while limit is None or len(done) < limit:
        size = _BATCH if limit is None else min(_BATCH, limit - len(done))
        page, after = _page(database, asked, after, size)
        done += [
            _described(item) if dry_run else _archive_run(database, asked, item) for item in page
        ]
        if len(page) < size:
            break
    return done


def sweep(
    database: Database, asked: Retention, after: tuple[int, str] | None, *, limit: int
) -> tuple[list[Archived], tuple[int, str] | None]:
    """Archive one page of runs, and return where the next one begins; None at the end."""
    _refuse_plain_text(database, asked)
    page, last = _page(database, asked, after, limit)
    return [_archive_run(database, asked, item) for item in page], last if len(
        page
    ) == limit else None


def _refuse_plain_text(database: Database, asked: Retention) -> None:
    if database.chain.keys and not asked.plain_text:
        raise ArgumentError(
            "This database encrypts payloads, and history files are plain text. Nothing was written. To archive all the "
            "same, into a folder that is protected: --plain-text, or Retention(plain_text=True)."
        )


def _page(
    database: Database, asked: Retention, after: tuple[int, str] | None, size: int
) -> tuple[list[Candidate], tuple[int, str] | None]:
    age = milliseconds(asked.older_than)
    found = database.read_from_thread(
        lambda tx: retention.candidates(
            tx, before=tx.now - age + 1, statuses=asked.statuses, after=after, limit=size
        )
    )
    return found, (found[-1].closed_at, found[-1].id) if found else after


def _described(item: Candidate) -> Archived:
    return Archived(
        run=item.id, workflow=item.workflow, status=item.status, closed_at=item.closed_at
    )


def _archive_run(database: Database, asked: Retention, item: Candidate) -> Archived:
    described = _described(item)
    try:
        history = database.read_from_thread(reading.load_history, item.id)
    except (PayloadError, HistoryFormatError) as error:
        return replace(described, kept=error.message)
    text = dump_history(history)
    digest = hashlib.sha256(text.encode()).hexdigest()
    file = _place(asked, item, digest)
    try:
        if not file.exists():
            _write(file, text)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written: {error.strerror}. Run {item.id} is in the database as before; make room or "
            "correct the folder, and archive again."
        ) from error
    wrong = _read_back(file, digest) or (None if asked.verify is None else asked.verify(history))
    if wrong:
        return replace(described, file=file, kept=wrong)
    deleted = asked.delete and database.write_from_thread(
        retention.replace_by_record, item.id, file=str(file), digest=digest
    )
    return replace(described, file=file, deleted=deleted)


def _place(asked: Retention, item: Candidate, digest: str) -> Path:
    name = _PLAIN.sub("_", item.id)[:_NAME].lstrip(".")
    month = f"{instant(item.closed_at):%Y-%m}"
    suffix = f"{SUFFIX}.gz" if asked.compress else SUFFIX
    return asked.to.absolute() / month / f"{name}.{digest[:16]}{suffix}"


def _write(file: Path, text: str) -> None:
    """Write a file so that it is there whole, and survives a power cut, or is not there at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    if file.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    draft = file.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(draft, "xb", opener=_for_owner) as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        raise
    for folder in (file.parent, file.parent.parent):
        _sync(folder)


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_back(file: Path, digest: str) -> str | None:
    """Return what is wrong with a file that should hold a history with this digest, or None."""
    try:
        text = dump_history(load_history(file))
    except HistoryFormatError as error:
        return f"The file does not read back: {error.message}"
    same = hashlib.sha256(text.encode()).hexdigest() == digest
    return None if same else f"{file} does not hold what the database does; move it away."


class Sweeper:
    """Archive by itself, a few runs at a time, for as long as a worker runs."""

    def __init__(self, database: Database, asked: Retention, *, interval: float = 60.0) -> None:
        self._database = database
        self._asked = asked
        self._interval = interval
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Sweep until `stop` is called; a sweep that has begun ends first."""
        after: tuple[int, str] | None = None
        while not self._ended.is_set():
            try:
                done, after = await asyncio.to_thread(
                    sweep, self._database, self._asked, after, limit=_BUDGET
                )
            except HoldfastError as error:
                log.warning(
                    "closed runs were not archived, trying again in %.0f s: %s",
                    self._interval,
                    error,
                )
                done, after = [], None
            for item in done:
                if item.kept:
                    log.warning("run %s was not archived: %s", item.run, item.kept)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._ended.wait(), self._interval if after is None else _BREATH
                )

    def stop(self) -> None:
        """Let `run` return."""
        self._ended.set()
