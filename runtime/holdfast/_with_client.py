"""What the commands of the command line share: their database, and a client of it."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from holdfast.errors import UsageError

DB = click.option(
    "--db",
    envvar="HOLDFAST_DB",
    metavar="PATH|URL",
    help="The database; by default $HOLDFAST_DB, else holdfast.db here.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON line per row.")


_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Duration(click.ParamType[timedelta]):
    """Read a span of time such as 30d, 12h or 90m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the span."""
        found = re.fullmatch(r"([0-9]{1,7})([smhdw])", str(value))
        if found is None:
            self.fail(
                f"{value!r} is not a span of time: expected for example 30d, 12h or 90m.",
                param,
                ctx,
            )
        return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def with_client(
    db: str | None, work: Callable[[Any], Coroutine[Any, Any, Any]], *, create: bool = False
) -> Any:
    """Do some work with a client of the database that the options name."""
    from holdfast.client import Client

    async def run() -> Any:
        async with Client(existing(db, create=create)) as client:
            return await work(client)

    return asyncio.run(run())


def existing(db: str | None, *, create: bool = False) -> str:
    """Return the database that the options name, or raise `UsageError` when it is a file that is not there."""
    place = db or "holdfast.db"
    path = place.removeprefix("sqlite:///")
    if not create and "://" not in path and not _exists(path):
        raise UsageError(
            f"There is no database at {path}. Name it with --db or HOLDFAST_DB; `holdfast worker` and "
            "`holdfast start` make one."
        )
    return place


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path[:80]!r} cannot be the path of a database: {error}.") from None


def json_argument(text: str, number: int) -> Any:
    """Return the value of an argument that is JSON, or raise `UsageError`."""
    try:
        tree = json.loads(text)
        json.dumps(tree)  # the way back has a limit of depth, too
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f'Argument {number} is not JSON: {error}. Quote strings twice, for example: \'"Oslo"\' or \'{{"q": "Oslo"}}\'.'
        ) from None
    return tree


async def on_run(client: Any, given: str, work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Do something to the run that a person named, and say so."""
    found = await client.resolve(given)
    await work(found)
    click.echo(f"{found}: done")


def attributes_of(given: tuple[str, ...]) -> dict[str, Any]:
    """Return `k=v` options as attributes; a value that is a JSON number or boolean is one, any other is text."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--attribute {text}: expected KEY=VALUE, for example customer=acme.")
        found[key] = value_of(value)
    return found


def value_of(text: str) -> Any:
    """Return the JSON number or boolean that a text is, or the text."""
    try:
        value = json.loads(text, parse_constant=lambda name: name)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str | int | float | bool) else text
