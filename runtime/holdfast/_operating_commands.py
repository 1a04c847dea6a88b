"""The commands that look after a database: `db check`, `db upgrade`, `db roles`, `doctor` and `archive`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from holdfast._with_client import DB, JSON, Duration, existing, with_client
from holdfast.errors import UsageError


@contextmanager
def _opened_as_it_is(db: str | None) -> Iterator[Any]:
    """Open a database without touching its schema."""
    from holdfast._store.database import Database, database_url
    from holdfast.payloads import Chain, codecs_of_environment

    database = Database(
        database_url(existing(db)), chain=Chain(codecs_of_environment()), as_it_is=True
    )
    try:
        yield database
    finally:
        database.close()


@click.group()
def db() -> None:
    """Check and upgrade the database, and say who may do what in it."""


@db.command()
@DB
@JSON
def check(db: str | None, as_json: bool) -> None:
    """Compare the database with what this release expects, and read it for damage; exit 1 on warnings, 2 on errors."""
    _report(db, as_json=as_json, schema_only=True)


@click.command()
@DB
@JSON
def doctor(db: str | None, as_json: bool) -> None:
    """Look at database, disk, clocks, workers and runs; exit 1 on warnings, 2 on errors."""
    _report(db, as_json=as_json, schema_only=False)


def _report(place: str | None, *, as_json: bool, schema_only: bool) -> None:
    from holdfast._examining import examine
    from holdfast.doctor import CHECKS, diagnose, exit_code

    with _opened_as_it_is(place) as database:
        facts = examine(database, thorough=schema_only)
    findings = diagnose(facts, schema_only=schema_only)
    for finding in findings:
        if as_json:
            row = {"schema": 1, **asdict(finding), "severity": finding.severity.name.lower()}
            click.echo(json.dumps(row, ensure_ascii=False))
            continue
        click.echo(f"{finding.severity.name.lower()}  {finding.code}  {finding.what}")
        click.echo(f"  means: {finding.means}\n  do: {finding.do}\n")
    made = sum(check.of_schema or not schema_only for check in CHECKS.values())
    version = f"schema {facts.schema.version or 'none'} of {facts.schema.head}"
    click.echo(f"{made} checks, {len(findings)} found something; {version}", err=as_json)
    raise SystemExit(exit_code(findings))


@db.command()
@DB
@click.option(
    "--to", metavar="REV", help="Up to this schema; by default the newest that this release knows."
)
@click.option("--sql", is_flag=True, help="Print the statements and change nothing.")
def upgrade(db: str | None, to: str | None, sql: bool) -> None:
    """Apply pending migrations in one transaction; workers of the release before go on meanwhile."""
    from holdfast._store import schema

    with _opened_as_it_is(db) as database:
        found = database.read_now(lambda tx: schema.standing(tx.conn))
        dialect = database.read_now(lambda tx: tx.conn.dialect.name)
        target = schema.checked_target(found, to, database.place)
        if sql:
            click.echo(schema.upgrade_sql(dialect, found, target), nl=False)
            return
        applied = database.write_now(
            lambda tx: schema.upgrade_from_here(tx.conn, target, database.place)
        )
    if not applied:
        click.echo(f"nothing to do: schema {found.version}", err=True)
        return
    click.echo(f"schema {found.version or 'none'} -> {target}: {', '.join(applied)}", err=True)


@db.command()
@DB
@click.option("--worker", default="holdfast_worker", show_default=True, help="Who advances runs.")
@click.option(
    "--client", default="holdfast_client", show_default=True, help="Who starts and steers runs."
)
@click.option(
    "--dashboard", default="holdfast_dashboard", show_default=True, help="Who only looks."
)
@click.option("--apply", is_flag=True, help="Make the roles instead of printing how.")
def roles(db: str | None, worker: str, client: str, dashboard: str, apply: bool) -> None:
    """Print the SQL that gives the roles of a Postgres database exactly what they need; run it as the owner."""
    from holdfast._store import roles as known
    from holdfast._store import schema

    names: dict[known.Kind, str] = {"worker": worker, "client": client, "dashboard": dashboard}
    if len(set(names.values())) < len(names):
        raise UsageError("db roles: a worker, a client and a dashboard are three different roles.")
    with _opened_as_it_is(db) as database:
        if database.read_now(lambda tx: tx.conn.dialect.name) != "postgresql":
            raise UsageError(
                f"{database.place} is a file, which has no roles: its owner and its mode say who may use it."
            )
        found = database.read_now(lambda tx: schema.standing(tx.conn))
        if found.pending:
            raise UsageError(
                f"{database.place} has schema {found.version or 'none'}; this holdfast needs {schema.HEAD}. Run "
                "`holdfast db upgrade` first: the roles are given the tables that it makes."
            )
        if not apply:
            for statement in database.read_now(lambda tx: list(known.statements(tx.conn, names))):
                click.echo(f"{statement};")
            return
        database.write_now(lambda tx: known.apply(tx.conn, names))
    click.echo(
        f"granted to {', '.join(names.values())}. A login gets one by: CREATE ROLE me LOGIN PASSWORD '…' IN ROLE {client}",
        err=True,
    )


def retention_of(retain: timedelta | None, to: Path | None, *, plain_text: bool) -> Any:
    """Return what the options of a worker ask to be archived, or None; raise `UsageError` for half of it."""
    from holdfast.client import Retention

    if (retain is None) != (to is None):
        raise UsageError(
            "--retain and --archive-to go together: runs are deleted only once a file has their history."
        )
    if retain is None or to is None:
        return None
    return Retention(older_than=retain, to=to, plain_text=plain_text)


@click.command()
@click.option(
    "--older-than",
    required=True,
    type=Duration(),
    metavar="SPAN",
    help="Closed longer than that: 30d, 12h.",
)
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="The folder for the histories."
)
@DB
@click.option(
    "--status", "statuses", multiple=True, help="Only runs that ended so: completed, failed, …"
)
@click.option("--delete", is_flag=True, help="Delete the runs once their files are read back.")
@click.option("--gzip", "compress", is_flag=True, help="Compress the files.")
@click.option(
    "--plain-text", is_flag=True, help="Archive encrypted payloads, too: the files are plain text."
)
@click.option(
    "--verify-replay",
    metavar="MODULE",
    help="Delete only what replays with the workflows of MODULE.",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many runs.")
@click.option("--dry-run", is_flag=True, help="Only say which runs.")
@JSON
def archive(
    older_than: timedelta,
    to: Path | None,
    db: str | None,
    statuses: tuple[str, ...],
    delete: bool,
    compress: bool,
    plain_text: bool,
    verify_replay: str | None,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write closed runs to history files that still replay, and then delete them; exit 1 if one was kept."""
    from holdfast.client import Retention

    if to is None and not dry_run:
        raise UsageError(
            "--to DIR is missing: where the histories go. --dry-run only says which runs."
        )
    asked = Retention(
        older_than=older_than, to=to or Path(), statuses=statuses, delete=delete, compress=compress,
        plain_text=plain_text or dry_run, verify=None if verify_replay is None else _replays_with(verify_replay),
    )  # fmt: skip
    done = with_client(db, lambda client: client.archive(asked, dry_run=dry_run, limit=limit))
    for item in done:
        if as_json:
            click.echo(json.dumps({"schema": 1, **asdict(item)}, ensure_ascii=False, default=str))
        else:
            click.echo(f"{item.run}: {_what_was_done(item, dry_run=dry_run)}")
    kept = sum(bool(item.kept) for item in done)
    deleted = sum(item.deleted for item in done)
    click.echo(f"{len(done)} runs, {deleted} deleted, {kept} kept for a reason", err=True)
    raise SystemExit(1 if kept else 0)


def _what_was_done(item: Any, *, dry_run: bool) -> str:
    if dry_run:
        return f"{item.status}, would be archived"
    if item.kept:
        return f"kept: {item.kept}"
    return f"{item.file}{' (deleted here)' if item.deleted else ''}"


def _replays_with(module: str) -> Callable[[Any], str | None]:
    """Return what says why a history does not replay with the workflows of a module."""
    from holdfast._registry import definitions_in, import_entry
    from holdfast.replay import replay
    from holdfast.workflow import Workflow

    found = {
        item.name: item
        for item in definitions_in([import_entry(module)])
        if isinstance(item, Workflow)
    }

    def wrong(history: Any) -> str | None:
        workflow = found.get(history.header.workflow)
        if workflow is None:
            return f"{module} defines no workflow {history.header.workflow}"
        result = replay(history, workflow)
        return None if result.ok else f"it does not replay: {result.text()}"

    return wrong
