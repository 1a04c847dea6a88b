"""The commands that look after a database: `db check`, `db upgrade` and `doctor`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from holdfast._with_client import DB, JSON, existing


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
    """Check and upgrade the database."""


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
