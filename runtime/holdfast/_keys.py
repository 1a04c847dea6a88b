"""The commands that make keys."""

import click

from holdfast.payloads import new_key


@click.group()
def keys() -> None:
    """Make keys for payloads that are encrypted at rest."""


@keys.command("new")
@click.option("--id", "key", help="What payloads call the key; made up when none is given.")
def new(key: str | None) -> None:
    """Print a new key; put it in front of those in HOLDFAST_KEYS."""
    click.echo(new_key(key))
