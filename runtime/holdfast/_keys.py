"""The commands that make keys, and that seal what is stored under the newest."""

from typing import Any

import click

from holdfast._with_client import DB, with_client
from holdfast.payloads import new_key


@click.group()
def keys() -> None:
    """Make keys for payloads that are encrypted at rest, and change to them."""


@keys.command("new")
@click.option("--id", "key", help="What payloads call the key; made up when none is given.")
def new(key: str | None) -> None:
    """Print a new key; put it in front of those in HOLDFAST_KEYS."""
    click.echo(new_key(key))


@keys.command("rotate")
@DB
@click.option(
    "--batch", default=200, show_default=True, type=click.IntRange(1, 100_000),
    help="How many rows one transaction takes; workers write between two of them.",
)  # fmt: skip
def rotate(db: str | None, batch: int) -> None:
    """Seal what is stored under the first key in HOLDFAST_KEYS; workers may go on beside it.

    Give every process the new key first. Exit code 1 when some payloads have a key that is not known here.
    """

    async def work(client: Any) -> Any:
        return await client.rotate_keys(batch=batch)

    done = with_client(db, work)
    click.echo(f"{done.changed} payloads sealed again")
    for key, count in sorted(done.keys.items()):
        click.echo(f"  {key or 'plain'}: {count}")
    for key, count in sorted(done.unreadable.items()):
        click.echo(
            f"holdfast: {count} payloads have key {key or 'of another process'}, which is not known here. Add it at the "
            "end of HOLDFAST_KEYS and rotate again.",
            err=True,
        )
    if done.unreadable:
        raise SystemExit(1)
