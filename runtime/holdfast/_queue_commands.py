"""The commands that limit, pause and show queues and named limits."""

import json
from dataclasses import asdict
from typing import Any

import click

from holdfast._with_client import DB, JSON, with_client
from holdfast.errors import UsageError

_NONE = "none"
_COUNT = click.option("--at-once", metavar="N|none", help="How many attempts run at once.")
_RATE = click.option("--rate", metavar="N/TIME|none", help="How many start in a time: 10/s, 100/min.")  # fmt: skip
_BURST = click.option(
    "--burst", type=click.IntRange(1), default=1, show_default=True, help="How many may start at once after a lull."
)  # fmt: skip


@click.group()
def queue() -> None:
    """Limit, pause and show queues; a change counts at once for all workers."""


@queue.command("list")
@DB
@JSON
def list_queues(db: str | None, *, as_json: bool) -> None:
    """List the queues, their limits and what runs and waits in them."""
    states = with_client(db, lambda client: client.queues())
    for state in states:
        click.echo(_json(state) if as_json else _queue_line(state))
    if not states and not as_json:
        click.echo("No queues yet: no worker serves one, and no run waits in one.", err=True)


@queue.command()
@click.argument("name", metavar="QUEUE")
@DB
@JSON
def show(name: str, db: str | None, *, as_json: bool) -> None:
    """Show one QUEUE."""
    states = {state.name: state for state in with_client(db, lambda client: client.queues())}
    if name not in states:
        raise UsageError(
            f"There is no queue {name!r}: nobody limits it, serves it or waits in it. `holdfast queue list` shows those there are."
        )
    click.echo(_json(states[name]) if as_json else _queue_line(states[name]))


@queue.command("set")
@click.argument("name", metavar="QUEUE")
@DB
@click.option("--activities", metavar="N|none", help="How many of its activities run at once.")
@click.option("--tasks", metavar="N|none", help="How many of its runs are advanced at once.")
@_RATE
@_BURST
def set_queue(
    name: str,
    db: str | None,
    activities: str | None,
    tasks: str | None,
    rate: str | None,
    burst: int,
) -> None:
    """Limit QUEUE over all workers; `none` takes a limit away, what is not given stays."""
    given = {"activities": _count(activities), "tasks": _count(tasks), "rate": _rate(rate, burst)}
    _change(db, name, given, "set_queue", "--activities, --tasks or --rate")


@queue.command()
@click.argument("name", metavar="QUEUE")
@DB
@click.option("--by", required=True, help="Who pauses it.")
@click.option("--reason", default="", help="Why, for the record.")
def pause(name: str, db: str | None, by: str, reason: str) -> None:
    """Let nothing further of QUEUE begin until it is resumed; what runs goes on."""
    with_client(db, lambda client: client.pause_queue(name, by=by, reason=reason))
    click.echo(f"{name}: paused")


@queue.command()
@click.argument("name", metavar="QUEUE")
@DB
def resume(name: str, db: str | None) -> None:
    """Let the work of the paused QUEUE begin again."""
    with_client(db, lambda client: client.resume_queue(name))
    click.echo(f"{name}: resumed")


@click.group()
def limit() -> None:
    """Change and show the limits that activities share by name."""


@limit.command("list")
@DB
@JSON
def list_limits(db: str | None, *, as_json: bool) -> None:
    """List the named limits that were set by hand or used."""
    for state in with_client(db, lambda client: client.limits()):
        click.echo(_json(state) if as_json else _limit_line(state))


@limit.command("set")
@click.argument("name", metavar="LIMIT")
@DB
@_COUNT
@_RATE
@_BURST
def set_limit(name: str, db: str | None, at_once: str | None, rate: str | None, burst: int) -> None:
    """Set LIMIT in place of what the code says; `none` takes a part away, what is not given stays as set before."""
    given = {"at_once": _count(at_once), "rate": _rate(rate, burst)}
    _change(db, name, given, "set_limit", "--at-once or --rate")


@limit.command()
@click.argument("name", metavar="LIMIT")
@DB
def reset(name: str, db: str | None) -> None:
    """Let LIMIT be what the code says again."""
    with_client(db, lambda client: client.reset_limit(name))
    click.echo(f"{name}: what the code says")


def _change(db: str | None, name: str, given: dict[str, Any], call: str, options: str) -> None:
    from holdfast._queueing import KEEP

    changed = {option: value for option, value in given.items() if value is not KEEP}
    if not changed:
        raise UsageError(f"Nothing to change: give {options}.")
    with_client(db, lambda client: getattr(client, call)(name, **changed), create=True)
    click.echo(f"{name}: set")


def _count(text: str | None) -> Any:
    from holdfast._queueing import KEEP

    if text is None or text == _NONE:
        return KEEP if text is None else None
    if not text.isdecimal():
        raise UsageError(f"{text!r}: expected a number, or none.")
    return int(text)


def _rate(text: str | None, burst: int) -> Any:
    from holdfast._queueing import KEEP
    from holdfast.limits import Rate

    if text is None or text == _NONE:
        return KEEP if text is None else None
    return Rate.parse(text, burst=burst)


def _json(state: Any) -> str:
    rate = None if state.rate is None else str(state.rate)
    return json.dumps({"schema": 1, **asdict(state), "rate": rate}, ensure_ascii=False)


def _queue_line(state: Any) -> str:
    parts = [
        f"{state.running_activities}{_of(state.max_activities)} activities run, {state.ready_activities} due",
        f"{state.running_tasks}{_of(state.max_tasks)} runs advance, {state.ready_tasks} due",
    ]
    if state.rate is not None:
        parts.append(f"rate {state.rate}")
    if state.paused_at is not None:
        reason = f": {state.pause_reason}" if state.pause_reason else ""
        parts.append(f"paused by {state.paused_by}{reason}")
    return f"{state.name}  {'; '.join(parts)}"


def _limit_line(state: Any) -> str:
    parts = [f"{state.running}{_of(state.at_once)} run"]
    if state.rate is not None:
        parts.append(f"rate {state.rate}")
    parts.append("set by hand" if state.by_hand else "as the code says")
    return f"{state.name}  {'; '.join(parts)}"


def _of(most: int | None) -> str:
    return "" if most is None else f" of {most}"
