"""The `holdfast` command. Sub-commands of the other parts are found by entry point, so the runtime imports none."""

import asyncio
import json
import logging
import math
import os
import re
import signal
import sys
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NoReturn

import click

from holdfast._fleet_commands import workers
from holdfast._keys import keys
from holdfast._masking import masked
from holdfast._operating_commands import archive, doctor, retention_of
from holdfast._operating_commands import db as db_commands
from holdfast._queue_commands import limit, queue
from holdfast._schedule_commands import schedule
from holdfast._steering_commands import cancel, fork, pause, resolve, resume, retry, terminate
from holdfast._talking_commands import (
    conditions_of,
    discard,
    family_lines,
    query,
    update,
)
from holdfast._talking_commands import signal as signal_command
from holdfast._with_client import DB as _DB
from holdfast._with_client import JSON as _JSON
from holdfast._with_client import Duration, attributes_of
from holdfast._with_client import json_argument as _json_argument
from holdfast._with_client import with_client as _with_client
from holdfast.errors import HoldfastError, UnknownRunError, UnknownScheduleError, UsageError

FINDINGS, USAGE, STUCK, NOT_FOUND = 1, 2, 3, 4
LEFT_BEHIND = 1  # by a worker: leases that it could not hand back
_PARTS = {"lint": "lint", "dashboard": "dashboard", "demo": "examples"}


class _Group(click.Group):
    """Find the commands of other parts, and turn every error of holdfast into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *_entry_points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loading it from the part that has it."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _entry_points():
            return own
        return _load(cmd_name, _entry_points()[cmd_name])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a person did wrong is answered by a sentence and an exit code, not by a traceback."""
        try:
            return super().invoke(ctx)
        except (UnknownRunError, UnknownScheduleError) as error:
            _die(error.message, NOT_FOUND)
        except HoldfastError as error:
            _die(error.message, USAGE)
        except UnicodeError as error:
            _die(
                f"An argument holds characters that cannot be written: {error}. Give it in UTF-8.",
                USAGE,
            )


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="holdfast.commands")}


def _load(name: str, point: EntryPoint) -> click.Command:
    try:
        loaded = point.load()
    except ModuleNotFoundError as error:
        part = _PARTS.get(name, name)
        _die(
            f"`holdfast {name}` needs {error.name}, which is not installed. Run: pip install 'holdfast[{part}]'",
            USAGE,
        )
    if not isinstance(loaded, click.Command):
        _die(
            f"The entry point {point.value} of `holdfast {name}` is not a command; reinstall holdfast.",
            USAGE,
        )
    return loaded


def _die(message: str, code: int) -> NoReturn:
    click.echo(f"holdfast: {masked(message)}", err=True)
    raise SystemExit(code)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="holdfast")
def main() -> None:
    """Run durable workflows, and see what they wait for.

    Exit codes: 0 fine, 1 findings or differences, 2 wrong usage, 3 stuck runs found, 4 no such run or schedule.
    """


for _operating in (keys, db_commands, doctor, archive, schedule):
    main.add_command(_operating)


@main.command()
@click.argument("modules", nargs=-1, required=True, metavar="MODULE…")
@_DB
@click.option(
    "--queue", "queues", multiple=True, default=("default",), show_default=True, metavar="NAME",
    help="Whose work to take; several times for several queues.",
)  # fmt: skip
@click.option(
    "--slots", default=20, show_default=True, type=click.IntRange(1), help="Activities at once."
)
@click.option(
    "--lease",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0.1, 86_400),
    help="Seconds until others take over.",
)
@click.option(
    "--drain",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0, 86_400),
    help="Seconds that running activities get to finish after SIGTERM.",
)
@click.option(
    "--retain",
    type=Duration(),
    metavar="SPAN",
    help="Archive and delete runs closed longer than that, such as 30d.",
)
@click.option(
    "--archive-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the histories of --retain.",
)
@click.option(
    "--plain-text", is_flag=True, help="Archive encrypted payloads, too: the files are plain text."
)
@click.option("--verbose", is_flag=True, help="Log failed attempts with their tracebacks.")
def worker(
    modules: tuple[str, ...],
    db: str | None,
    queues: tuple[str, ...],
    slots: int,
    lease: float,
    drain: float,
    retain: timedelta | None,
    archive_to: Path | None,
    plain_text: bool,
    verbose: bool,
) -> None:
    """Advance runs and carry out activities with the code in MODULE…, until SIGTERM or Ctrl-C.

    Then it takes nothing new and lets running activities finish for as long as --drain says; a second signal ends it at
    once. What is not finished is handed back, so that nobody waits for a lease to run out. Exit code 1 says that it could
    not be, because the database did not answer.
    """
    from holdfast._registry import definitions_in, import_entry
    from holdfast.activity import Activity
    from holdfast.worker import Worker
    from holdfast.workflow import Workflow

    if math.isnan(lease) or math.isnan(drain):  # it passes every range
        raise UsageError("--lease nan: expected seconds.")
    kept = retention_of(retain, archive_to, plain_text=plain_text)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    found = definitions_in([import_entry(name) for name in modules])
    workflows = [item for item in found if isinstance(item, Workflow)]
    activities = [item for item in found if isinstance(item, Activity)]
    if not found:
        raise UsageError(
            f"{', '.join(modules)} defines no workflow and no activity. "
            "Decorate functions with @workflow.define or @activity.define, or name another module."
        )

    async def work(client: Any) -> tuple[bool, int]:
        serving = Worker(
            client,
            workflows=workflows,
            activities=activities,
            queue=queues,
            slots=slots,
            lease=timedelta(seconds=lease),
            drain=timedelta(seconds=drain),
            retain=kept,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _asked_to_stop, serving, drain)
        names = ", ".join(item.name for item in (*workflows, *activities))
        click.echo(
            f"worker {serving.id}: queue {', '.join(map(repr, dict.fromkeys(queues)))} of {client.database.place}: {names}",
            err=True,
        )
        await serving.run()
        click.echo(f"worker {serving.id}: stopped", err=True)
        return serving.is_clean, serving.busy_threads

    clean, threads = _with_client(db, work, create=True)
    code = 0 if clean else LEFT_BEHIND
    if threads:
        # Their attempts are handed back: an interpreter that waits for these threads would go on with them.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _asked_to_stop(serving: Any, drain: float) -> None:
    if serving.is_stopping:
        serving.stop(at_once=True)
        return
    serving.stop()
    left = f"{serving.busy} activit{'y' if serving.busy == 1 else 'ies'}"
    click.echo(
        f"worker {serving.id}: stopping; {left} may run for {drain:g} s, another signal hands them back now",
        err=True,
    )


@main.command()
@click.argument("workflow", metavar="MODULE:WORKFLOW")
@click.argument("arguments", nargs=-1, metavar="[JSON]…")
@_DB
@click.option(
    "--id", "run_id", help="A name for the run; the same name and arguments give the same run."
)
@click.option("--queue", default="default", show_default=True, help="Which workers advance it.")
@click.option(
    "--attribute", "attributes", multiple=True, metavar="KEY=VALUE", help="By what it is found."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.001, 3_153_600_000),
    metavar="SECONDS",
    help="How long it may take; then it is ended as timed out.",
)
@click.option(
    "--priority", type=click.IntRange(1, 9), default=5, show_default=True, help="1 goes first, 9 last."
)  # fmt: skip
@click.option("--wait", is_flag=True, help="Wait for the result and print it as JSON.")
def start(
    workflow: str,
    arguments: tuple[str, ...],
    db: str | None,
    run_id: str | None,
    queue: str,
    attributes: tuple[str, ...],
    timeout: float | None,
    priority: int,
    wait: bool,
) -> None:
    """Start a run; each argument is JSON, decoded by the workflow's own types."""
    from holdfast.client import resolve_workflow

    found: Any = resolve_workflow(workflow)
    signature = found.definition.signature
    args = signature.decode_args(
        [_json_argument(text, number) for number, text in enumerate(arguments, 1)]
    )

    signature.encode_args(
        tuple(args), {}
    )  # a call that cannot be made must not leave a database behind

    async def work(client: Any) -> None:
        handle = await client.start(
            found,
            *args,
            id=run_id,
            queue=queue,
            attributes=attributes_of(attributes),
            timeout=None if timeout is None else timedelta(seconds=timeout),
            priority=priority,
        )
        click.echo(handle.id)
        if wait:
            click.echo(
                json.dumps(signature.encode_result(await handle.result()), ensure_ascii=False)
            )

    _with_client(db, work, create=True)


@main.command()
@_DB
@_JSON
@click.option(
    "--health",
    metavar="CLASS",
    help="Only this family or code: stuck, person, retrying, waiting, working, stuck.no_worker, …",
)
@click.option("--workflow", help="Only runs of this workflow.")
@click.option("--open", "open_only", is_flag=True, help="Only runs that have not ended.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help='By attribute: customer=acme, "amount>=100".',
)
@click.option("--past", metavar="FILE:LINE", help="Only open runs that have come past this line.")
@click.option("--schedule", help="Only runs that this schedule has started.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
def runs(
    db: str | None,
    as_json: bool,
    health: str | None,
    workflow: str | None,
    open_only: bool,
    where: tuple[str, ...],
    past: str | None,
    schedule: str | None,
    limit: int,
) -> None:
    """List runs, the newest first, each with the reason why it is where it is."""
    from holdfast.health import CODES, Family

    if health is not None and health not in {*CODES, *(family.value for family in Family)}:
        raise UsageError(
            f"--health {health}: no such class. Families: {', '.join(f.value for f in Family)}; codes: {', '.join(CODES)}."
        )
    if past is not None and not re.fullmatch(r".+:[0-9]+", past):
        raise UsageError(
            f"--past {past}: expected a file and a line as reports show them: --past orders/flow.py:41"
        )
    found = _with_client(
        db,
        lambda client: client.list(
            health=health,
            workflow=workflow,
            open_only=open_only,
            where=conditions_of(where),
            past=past,
            schedule=schedule,
            limit=limit,
        ),
    )
    if as_json:
        for run in found:
            click.echo(json.dumps(_summary_json(run), ensure_ascii=False))
        return
    if not found:
        click.echo(
            "No runs match."
            if health or workflow or where or past or schedule
            else "No runs yet. Start one: holdfast start MODULE:WORKFLOW",
            err=True,
        )
    for run in found:
        click.echo(f"{run.id:<28} {run.workflow:<16} {run.verdict.label:<18} {run.verdict.why}")


def _summary_json(run: Any) -> dict[str, Any]:
    return {
        "schema": 1, "id": run.id, "workflow": run.workflow, "queue": run.queue, "status": run.status,
        "created_at": run.created_at, "closed_at": run.closed_at, "family": run.verdict.family.value,
        "code": run.verdict.code, "why": run.verdict.why,
    }  # fmt: skip


def _family_json(detail: Any) -> dict[str, Any]:
    return {
        "parent": detail.parent, "children": list(detail.children), "previous": detail.previous,
        "continued_to": detail.continued_to, "schedule": detail.schedule, "scheduled_for": detail.scheduled_for,
    }  # fmt: skip


@main.command()
@click.argument("run_id", metavar="RUN")
@_DB
@_JSON
def why(run_id: str, db: str | None, as_json: bool) -> None:
    """Say why RUN is where it is: verdict, evidence, what happens if nobody acts."""

    async def work(client: Any) -> Any:
        return await client.describe(await client.resolve(run_id))

    detail = _with_client(db, work)
    if as_json:
        items = [
            asdict(item) | {"family": item.family.value} for item in detail.summary.verdict.items
        ]
        click.echo(
            json.dumps(
                _summary_json(detail.summary)
                | _family_json(detail)
                | {"items": items, "report": _report(detail)},
                ensure_ascii=False,
                default=str,
            )
        )
        return
    click.echo(f"{detail.summary.id}  {detail.summary.workflow}  {detail.summary.verdict.label}")
    if detail.evidence.forked_from:
        click.echo(f"forked from {detail.evidence.forked_from} at turn {detail.evidence.forked_at}")
    for line in family_lines(detail):
        click.echo(line)
    for item in detail.summary.verdict.items:
        click.echo(f"\n{item.code}  {item.why}")
        click.echo(f"  at: {item.site}" if item.site else "", nl=bool(item.site))
        click.echo(f"  if nobody acts: {item.next}")
        for row in item.evidence:
            columns = ", ".join(f"{name}={value!r}" for name, value in row.columns.items())
            click.echo(f"  evidence: {row.table}({row.key}) {columns}")
    if detail.evidence.error_kind == "nondeterminism":
        from holdfast.replay import render_report

        click.echo(
            f"\n{render_report(_report(detail) or {})}\n  {detail.same_place} open runs stop at this place."
        )


def _report(detail: Any) -> dict[str, Any] | None:
    """Return the difference at which a run stops, with the runs in flight around it."""
    if detail.evidence.error_kind != "nondeterminism":
        return None
    flight = detail.in_flight
    return {**detail.evidence.error, "in_flight": None if flight is None else asdict(flight)}


@main.command()
@_DB
@_JSON
def inbox(db: str | None, as_json: bool) -> None:
    """List what waits for a person, the most urgent first."""
    from holdfast._inbox import lines_of, to_json

    for approval in _with_client(db, lambda client: client.approvals()):
        lines = (
            [json.dumps(to_json(approval), ensure_ascii=False)] if as_json else lines_of(approval)
        )
        click.echo("\n".join(lines))


@main.command()
@click.argument("run_id", metavar="RUN")
@click.argument("approval", metavar="APPROVAL")
@click.argument("answer", metavar="JSON")
@_DB
@click.option("--by", required=True, help="Who decides.")
@click.option("--comment", default="", help="Why.")
@click.option("--saw", default="", help="The digest of the question, from `holdfast inbox`.")
def approve(
    run_id: str, approval: str, answer: str, db: str | None, by: str, comment: str, saw: str
) -> None:
    """Answer APPROVAL of RUN with JSON, for example '{"approved": true}'."""
    tree = _json_argument(answer, 3)

    async def work(client: Any) -> None:
        found = await client.resolve(run_id)
        await client.decide(found, approval, tree, by=by, comment=comment, saw=saw)
        click.echo(f"{found}: {approval} answered by {by}")

    _with_client(db, work)


for _command in (
    retry,
    resolve,
    cancel,
    terminate,
    pause,
    resume,
    fork,
    signal_command,
    discard,
    query,
    update,
    workers,
    queue,
    limit,
):
    main.add_command(_command)


@main.group()
def history() -> None:
    """Work with recorded histories."""


@history.command("export")
@click.argument("run_id", metavar="RUN")
@_DB
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file; by default standard output.",
)
def export(run_id: str, db: str | None, output: Path | None) -> None:
    """Write the history of RUN as a file that `holdfast replay` and the pytest plugin read."""
    from holdfast.history import dump_history

    async def work(client: Any) -> Any:
        return await client.history(await client.resolve(run_id))

    recorded = _with_client(db, work)
    text = dump_history(recorded)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None
    click.echo(f"{output}: {len(recorded.turns)} turns of {recorded.header.run}", err=True)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "--workflow", help="The code to replay, as module:function; by default what the history names."
)
@click.option(
    "--drift",
    type=click.Choice(["error", "warn"]),
    default="error",
    show_default=True,
    help="Whether other arguments, durations and results count.",
)
@_JSON
def replay(files: tuple[Path, ...], workflow: str | None, drift: str, as_json: bool) -> None:
    """Replay histories against today's code; exit 1 at the first turn that differs."""
    from holdfast.client import resolve_workflow
    from holdfast.history import load_history
    from holdfast.replay import confirm
    from holdfast.replay import replay as replay_history

    chosen: Any = None if workflow is None else resolve_workflow(workflow)
    differs = False
    for file in files:
        recorded = load_history(file)
        result = confirm(recorded, replay_history(recorded, chosen), chosen)
        drifted = bool(result.drifts) and drift == "error"
        differs = differs or not result.ok or drifted
        if as_json:
            difference = None if result.difference is None else result.difference.to_json()
            row = {
                "schema": 1,
                "file": str(file),
                "ok": result.ok and not drifted,
                "turns": result.turns,
            }
            row |= {
                "difference": difference,
                "bug": result.bug,
                "drifts": [asdict(found) for found in result.drifts],
                "notes": result.notes,
            }
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(f"{file}: {result.text()}")
    sys.exit(FINDINGS if differs else 0)


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Show an agent that survives kill -9 and waits for a person (needs a checkout; --once runs without serving)."""
    examples = Path(__file__).resolve().parents[2] / "examples"
    if not (examples / "research_agent" / "demo.py").is_file():
        raise UsageError(
            "The demonstration is part of the source checkout, and this holdfast was installed without it. "
            "Clone the repository and run: make demo"
        )
    sys.path.insert(0, str(examples))
    try:
        from research_agent.demo import demo as story
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The demonstration needs {error.name}. In a checkout: make setup, or pip install -e '.[all]'"
        ) from None
    story.main(args=list(arguments), prog_name="holdfast demo")
