"""The commands that show workers."""

import json
from dataclasses import asdict
from typing import Any

import click

from holdfast._with_client import DB, JSON, with_client


@click.command()
@DB
@JSON
@click.option("--all", "everyone", is_flag=True, help="Those that have stopped, too.")
def workers(db: str | None, *, as_json: bool, everyone: bool) -> None:
    """List the workers that live or were lost, and what each serves and knows."""
    from holdfast.health import span, worker_state

    now, found = with_client(db, lambda client: client.workers())
    shown = [
        (worker_state(w, now), w) for w in found if everyone or worker_state(w, now) != "stopped"
    ]
    for state, worker in shown:
        if as_json:
            click.echo(json.dumps(_to_json(worker, state), ensure_ascii=False))
            continue
        queues = ", ".join(worker.queues)
        click.echo(
            f"{worker.id}  {state}  queue {queues}  {worker.busy} of {worker.slots} busy, seen {span(now - worker.seen_at)} ago"
        )
        for line in _lines_of(worker):
            click.echo(f"  {line}")
    if not shown and not as_json:
        click.echo("No workers. Start one: holdfast worker MODULE", err=True)


def _to_json(worker: Any, state: str) -> dict[str, Any]:
    tree = asdict(worker) | {"activities": sorted(worker.activities)}
    return {"schema": 1, "state": state, **tree}


def _lines_of(worker: Any) -> list[str]:
    build = f"build {worker.build}, " if worker.build else ""
    known = ", ".join(f"{name} {code}" for name, code in sorted(worker.workflows.items()))
    patches = sorted({patch for ids in worker.patches.values() for patch in ids})
    lines = [
        f"{build}holdfast {worker.holdfast or 'unknown'}, Python {worker.python or 'unknown'}, {worker.host} process {worker.pid}",
        f"workflows: {known or 'none'}",
        f"activities: {', '.join(sorted(worker.activities)) or 'none'}",
    ]
    if patches:
        lines.append(f"patches: {', '.join(patches)}")
    if worker.stack:
        lines.append(f"its event loop is blocked at {worker.stack}")
    return lines
