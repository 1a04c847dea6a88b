"""The commands that end, hold and continue runs."""

from typing import Any

import click

from holdfast._with_client import DB, json_argument, on_run, with_client


@click.command()
@click.argument("run_id", metavar="RUN")
@DB
def retry(run_id: str, db: str | None) -> None:
    """Let a blocked RUN be tried again now, by the same code if need be, or one that has been killing workers."""
    with_client(db, lambda client: on_run(client, run_id, client.retry))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("seq", type=int, metavar="SEQ")
@DB
@click.option("--happened", metavar="JSON", help="Its effect has happened, and this is its result.")
@click.option("--retry", "again", is_flag=True, help="Nothing has happened: try it again.")
@click.option("--fail", metavar="REASON", help="It fails for good, for this reason.")
@click.option("--by", required=True, help="Who decides.")
def resolve(
    run_id: str,
    seq: int,
    db: str | None,
    happened: str | None,
    again: bool,
    fail: str | None,
    by: str,
) -> None:
    """Say what became of activity SEQ of RUN, whose outcome is unknown: --happened, --retry or --fail."""
    from holdfast.client import UNDECIDED

    result = UNDECIDED if happened is None else json_argument(happened, 3)

    async def work(client: Any) -> None:
        found = await client.resolve(run_id)
        if happened is not None:
            _load_code((await client.history(found)).header.entry)
        await client.resolve_activity(found, seq, by=by, happened=result, retry=again, fail=fail)
        click.echo(f"{found}: activity #{seq} resolved by {by}")

    with_client(db, work)


def _load_code(entry: str) -> None:
    """Import the code of a workflow, so that a result can be checked against its type."""
    from holdfast._registry import import_entry
    from holdfast.errors import UnknownWorkflowError

    try:
        import_entry(entry.partition(":")[0])
    except UnknownWorkflowError as error:
        click.echo(f"the result is not checked against its type: {error.message}", err=True)


@click.command()
@click.argument("run_id", metavar="RUN")
@DB
@click.option("--reason", required=True, help="Why, for the record.")
def cancel(run_id: str, db: str | None, reason: str) -> None:
    """Ask RUN to cancel itself; its clean-up code runs."""
    with_client(
        db,
        lambda client: on_run(client, run_id, lambda found: client.cancel(found, reason=reason)),
    )


@click.command()
@click.argument("run_id", metavar="RUN")
@DB
@click.option("--reason", required=True, help="Why, for the record.")
@click.option("--without-compensation", "bare", is_flag=True, help="Undo none of its steps.")
def terminate(run_id: str, db: str | None, reason: str, *, bare: bool) -> None:
    """End RUN: none of its code runs any more; what it has registered to undo its steps is carried out first."""
    with_client(
        db,
        lambda client: on_run(
            client,
            run_id,
            lambda found: client.terminate(found, reason=reason, compensate=not bare),
        ),
    )


@click.command()
@click.argument("run_id", metavar="RUN")
@DB
@click.option("--by", required=True, help="Who pauses it.")
@click.option("--reason", default="", help="Why, for the record.")
def pause(run_id: str, db: str | None, by: str, reason: str) -> None:
    """Let nothing further of RUN be done until it is resumed; what happens to it is recorded."""
    with_client(
        db,
        lambda client: on_run(
            client, run_id, lambda found: client.pause(found, by=by, reason=reason)
        ),
    )


@click.command()
@click.argument("run_id", metavar="RUN")
@DB
def resume(run_id: str, db: str | None) -> None:
    """Let the paused RUN go on."""
    with_client(db, lambda client: on_run(client, run_id, client.resume))


@click.command()
@click.argument("run_id", metavar="RUN")
@DB
@click.option("--at", required=True, type=int, metavar="TURN", help="The last turn to copy.")
@click.option("--id", "fork_id", help="A name for the fork.")
@click.option(
    "--keys", type=click.Choice(["keep", "new"]), default="keep", show_default=True,
    help="Whether effects that have happened are told from new ones.",
)  # fmt: skip
@click.option("--without-signals", is_flag=True, help="Leave out the signals that came after TURN.")
def fork(
    run_id: str, db: str | None, at: int, fork_id: str | None, keys: str, *, without_signals: bool
) -> None:
    """Start a run from the first turns of RUN, which stays as it is."""

    async def work(client: Any) -> None:
        found = await client.resolve(run_id)
        made = await client.fork(found, at=at, id=fork_id, keys=keys, signals=not without_signals)
        click.echo(made.id)

    with_client(db, work)
