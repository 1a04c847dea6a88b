"""The commands that talk with running workflows."""

import json
import re
from datetime import timedelta
from typing import Any

import click

from holdfast._with_client import DB, json_argument, value_of, with_client
from holdfast.clock import instant
from holdfast.errors import UsageError

_WHERE = re.compile(r"^\s*(?P<key>[^<>=!]+?)\s*(?P<op>!=|<=|>=|<|>|=)\s*(?P<value>.*)$", re.DOTALL)
_MAX_SECONDS = 31_536_000


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="NAME")
@click.argument("value", metavar="JSON")
@DB
@click.option("--message", help="Its id: the same message counts once.")
def signal(run_id: str, name: str, value: str, db: str | None, message: str | None) -> None:
    """Send the signal NAME to RUN with the value JSON."""
    tree = json_argument(value, 3)

    async def work(client: Any) -> None:
        found = await client.resolve(run_id)
        new = await client.signal(found, name, tree, message=message)
        click.echo(f"{found}: {name} " + ("sent" if new else "was there already"))

    with_client(db, work)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("message", metavar="MESSAGE")
@DB
@click.option("--by", required=True, help="Who decides.")
@click.option("--reason", default="", help="Why, for the record.")
def discard(run_id: str, message: str, db: str | None, by: str, reason: str) -> None:
    """Take the signal MESSAGE out of the way of RUN, whose code cannot read it."""

    async def work(client: Any) -> None:
        found = await client.resolve(run_id)
        await client.discard_signal(found, message, by=by, reason=reason)
        click.echo(f"{found}: message {message} discarded by {by}")

    with_client(db, work)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("key", required=False, metavar="[KEY]")
@DB
def query(run_id: str, key: str | None, db: str | None) -> None:
    """Print what RUN has published, as JSON: under KEY, or everything."""

    async def work(client: Any) -> Any:
        found = await client.resolve(run_id)
        return await (client.published(found) if key is None else client.query(found, key))

    click.echo(json.dumps(with_client(db, work), ensure_ascii=False))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="NAME")
@click.argument("value", metavar="JSON")
@DB
@click.option("--id", "update_id", help="Its id: asking again waits for the same reply.")
@click.option(
    "--timeout", default=30.0, show_default=True, type=click.FloatRange(0.001, _MAX_SECONDS),
    help="Seconds to wait for the reply; the request stays.",
)  # fmt: skip
def update(
    run_id: str, name: str, value: str, db: str | None, update_id: str | None, timeout: float
) -> None:
    """Ask RUN for a reply to the update NAME with the value JSON, and print it as JSON."""
    # Brings the whole workflow API, for which `holdfast --help` should not wait.
    from holdfast._conversing import Update

    tree = json_argument(value, 3)
    asked: Update[Any, Any] = Update(name, Any, Any)

    async def work(client: Any) -> Any:
        found = await client.resolve(run_id)
        limit = timedelta(seconds=timeout)
        return await client.update(found, asked, tree, id=update_id, timeout=limit)

    try:
        reply = with_client(db, work)
    except TimeoutError:
        raise UsageError(
            f"Run {run_id} has not answered {name} within {timeout:g} s. The request stays; ask again with the same "
            f"--id to get the reply. `holdfast why {run_id}` says what the run does."
        ) from None
    click.echo(json.dumps(reply, ensure_ascii=False))


def conditions_of(given: tuple[str, ...]) -> dict[str, Any]:
    """Return `--where` options as `Client.list` takes them."""
    found = {}
    for text in given:
        match = _WHERE.match(text)
        if match is None:
            raise UsageError(
                f'--where {text}: expected KEY=VALUE or a comparison, for example customer=acme or "amount>=100".'
            )
        sign = "" if match["op"] == "=" else f" {match['op']}"
        found[f"{match['key']}{sign}"] = value_of(match["value"].strip())
    return found


def family_lines(detail: Any) -> list[str]:
    """Return how a run is related to others, one line each."""
    lines = [f"child of {detail.parent}"] if detail.parent else []
    if detail.schedule:
        nominal = instant(detail.scheduled_for).isoformat(" ")
        lines.append(f"started by schedule {detail.schedule} for {nominal}")
    lines += [f"continues {detail.previous}"] if detail.previous else []
    lines += [f"continued as {detail.continued_to}"] if detail.continued_to else []
    shown, more = detail.children[:10], len(detail.children) - 10
    if shown:
        lines.append(f"children: {', '.join(shown)}" + (f" and {more} more" if more > 0 else ""))
    return lines
