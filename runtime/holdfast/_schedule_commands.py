"""The commands of schedules."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from holdfast._with_client import DB, JSON, attributes_of, json_argument, with_client
from holdfast.errors import UsageError
from holdfast.schedules import (
    Calendar,
    Cron,
    Interval,
    Overlap,
    ScheduleDetail,
    Spec,
    TickSummary,
    duration_words,
    spec_to_json,
    words_of,
)

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d{1,3})?)s)?")
_MAX_DIGITS = 12
_RANGE = re.compile(r"(-?\d+)-(\d+)")
_MAX_SPAN = 366
_FIELDS = ("months", "days", "weekdays", "hours", "minutes")


def duration(text: str) -> timedelta:
    """Return the duration that a text such as `90s`, `15m`, `1h30m` or `7d` stands for."""
    match = _DURATION.fullmatch(text)
    if match is None or not text or len(text) > _MAX_DIGITS:
        raise UsageError(f"{text!r} is no duration; expected for example 90s, 15m, 1h30m or 7d.")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise UsageError(f"{text!r} is longer than any duration can be.") from None


def instant(text: str) -> datetime:
    """Return the instant that a text in ISO 8601 with an offset stands for."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"{text!r} is no instant; expected a date and a time with an offset: 2026-03-01T09:00+01:00 or 2026-03-01T08:00Z."
        )
    return found


_OVERLAP = click.option(
    "--overlap", type=click.Choice([policy.value for policy in Overlap]),
    help="What happens to a tick while a run is open.",
)  # fmt: skip
_BY = click.option("--by", required=True, help="Who does it.")


def _timing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say when a schedule fires and how its runs are started."""
    for option in reversed((
        click.option("--cron", metavar="EXPRESSION", help='For example "30 6 * * MON-FRI".'),
        click.option("--every", type=duration, metavar="DURATION", help="For example 15m or 1h30m."),
        click.option("--offset", type=duration, metavar="DURATION", help="Of --every."),
        *(
            click.option(f"--{name}", metavar="LIST", help="Of the calendar, for example 1,15 or 9-17.")
            for name in _FIELDS
        ),
        click.option("--zone", metavar="ZONE", help="The IANA time zone of --cron and the calendar; UTC by default."),
        _OVERLAP,
        click.option("--catch-up", type=duration, metavar="DURATION", help="How late a tick may still fire; 1d by default."),
        click.option("--jitter", type=duration, metavar="DURATION", help="Delay each tick by up to that much."),
        click.option("--start", type=instant, metavar="INSTANT", help="No tick is before it."),
        click.option("--end", type=instant, metavar="INSTANT", help="No tick is after it."),
        click.option("--max-runs", type=int, metavar="N", help="Start at most so many ticks."),
        click.option("--pause-on-failure/--no-pause-on-failure", default=None, help="Pause when a run fails or times out."),
        click.option("--queue", help="Which workers advance its runs."),
        click.option("--attribute", "attributes", multiple=True, metavar="KEY=VALUE", help="By what its runs are found."),
        click.option("--priority", type=click.IntRange(1, 9), help="Of its runs: 1 goes first; 5 by default."),
        click.option("--timeout", type=duration, metavar="DURATION", help="How long a run may take."),
    )):  # fmt: skip
        command = option(command)
    return command


def _spec_of(given: dict[str, Any]) -> Spec | None:
    """Take the options of a specification out of the others, and return it."""
    cron, every, offset = (given.pop(name) for name in ("cron", "every", "offset"))
    fields = {name: text for name in _FIELDS if (text := given.pop(name)) is not None}
    zone = given.pop("zone")
    if [cron is not None, every is not None, bool(fields)].count(True) > 1:
        raise UsageError(
            "Give one of --cron, --every and the calendar's --months, --days, --weekdays, --hours, --minutes."
        )
    if offset is not None and every is None:
        raise UsageError("--offset goes with --every.")
    if zone is not None and cron is None and not fields:
        raise UsageError(
            "--zone goes with --cron and the calendar: an interval is elapsed time, the same in every zone."
        )
    if cron is not None:
        return Cron(cron, zone=zone or "UTC")
    if every is not None:
        return Interval(every=every, offset=offset or timedelta(0))
    if not fields:
        return None
    lists: dict[str, Any] = {name: _list(name, text) for name, text in fields.items()}
    return Calendar(**lists, zone=zone or "UTC")


def _list(name: str, text: str) -> list[Any]:
    if name == "weekdays":
        return [item.strip().lower() for item in text.split(",")]
    found: list[int] = []
    for item in text.split(","):
        span = _RANGE.fullmatch(item.strip())
        try:
            low, high = (int(span[1]), int(span[2])) if span else (int(item), int(item))
        except ValueError:
            raise UsageError(
                f"--{name} {text}: {item!r} is neither a number nor a range such as 9-17."
            ) from None
        if not low <= high <= low + _MAX_SPAN:
            raise UsageError(
                f"--{name} {text}: the range {item!r} ends before it begins, or is too long."
            )
        found += range(low, high + 1)
    return found


def _options_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as the client takes them."""
    attributes = given.pop("attributes")
    kept = {name: value for name, value in given.items() if value is not None}
    return kept | ({"attributes": attributes_of(attributes)} if attributes else {})


@click.group()
def schedule() -> None:
    """Start runs at fixed times."""


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@click.argument("workflow", metavar="MODULE:WORKFLOW")
@click.argument("arguments", nargs=-1, metavar="[JSON]…")
@DB
@_timing
@click.option("--paused-by", metavar="NAME", help="Create it paused, by whom.")
@click.option("--note", default="", help="Why it is paused.")
def create(
    schedule_id: str,
    workflow: str,
    arguments: tuple[str, ...],
    db: str | None,
    paused_by: str | None,
    note: str,
    **given: Any,
) -> None:
    """Start a run of a workflow at each tick of SCHEDULE; each argument is JSON, decoded by the workflow's own types."""
    from holdfast.client import resolve_workflow

    found: Any = resolve_workflow(workflow)
    signature = found.definition.signature
    args = signature.decode_args(
        [json_argument(text, number) for number, text in enumerate(arguments, 1)]
    )
    signature.encode_args(
        tuple(args), {}
    )  # what cannot be started must not leave a database behind
    spec = _spec_of(given)
    if spec is None:
        raise UsageError(
            "When does it fire? Give --cron, --every, or --months, --days, --weekdays, --hours, --minutes."
        )
    options = _options_of(given)

    async def work(client: Any) -> None:
        made = await client.create_schedule(
            schedule_id, found, *args, spec=spec, paused_by=paused_by, note=note, **options
        )
        detail = await made.describe(upcoming=1)
        click.echo(f"{made.id}: {_next_line(detail)}")

    with_client(db, work, create=True)


def _next_line(detail: ScheduleDetail) -> str:
    if detail.upcoming:
        return f"next at {_shown(detail.upcoming[0], detail)}"
    return detail.summary.why


@schedule.command("list")
@DB
@JSON
def list_schedules(db: str | None, as_json: bool) -> None:
    """List schedules, each with how it is."""
    found = with_client(db, lambda client: client.list_schedules(limit=100_000))
    if not found and not as_json:
        click.echo("No schedules yet. Make one: holdfast schedule create --help", err=True)
    for item in found:
        if as_json:
            tree = asdict(item) | {"schema": 1, "spec": spec_to_json(item.spec)}
            click.echo(json.dumps(tree, ensure_ascii=False))
        else:
            click.echo(
                f"{item.id:<24} {item.workflow:<16} {item.code:<11} {words_of(item.spec)}; {item.why}"
            )


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
@JSON
@click.option(
    "--next",
    "upcoming",
    default=5,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="How many fire times to show.",
)
@click.option("--ticks", default=10, show_default=True, type=click.IntRange(0, 1000), help="How many of the last ticks to show.")  # fmt: skip
def describe(schedule_id: str, db: str | None, as_json: bool, upcoming: int, ticks: int) -> None:
    """Show how SCHEDULE is, when it fires next, and what became of its last ticks."""

    async def work(client: Any) -> Any:
        return await client.get_schedule(schedule_id).describe(upcoming=upcoming, last=ticks)

    detail: ScheduleDetail = with_client(db, work)
    if as_json:
        tree = asdict(detail)
        tree["summary"]["spec"] = spec_to_json(detail.summary.spec)
        click.echo(json.dumps({"schema": 1, **tree}, ensure_ascii=False, default=_seconds))
        return
    summary = detail.summary
    click.echo(f"{summary.id}  {summary.workflow}  {summary.code}: {summary.why}")
    click.echo(
        f"  {words_of(summary.spec)}; overlap {summary.overlap}, catch-up {_duration(detail.catch_up)}"
    )
    for line in _bounds(detail):
        click.echo(f"  {line}")
    for run in detail.open_runs:
        click.echo(f"  open: {run}")
    for at in detail.upcoming:
        click.echo(f"  next: {_shown(at, detail)}")
    for tick in detail.ticks:
        click.echo(f"  {_tick_line(tick, detail)}")


def _duration(value: timedelta) -> str:
    return duration_words(value // timedelta(milliseconds=1))


def _seconds(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def _bounds(detail: ScheduleDetail) -> list[str]:
    lines = [f"starts {_shown(detail.start_at, detail)}"] if detail.start_at is not None else []
    lines += [f"ends {_shown(detail.end_at, detail)}"] if detail.end_at is not None else []
    lines += [f"jitter up to {_duration(detail.jitter)}"] if detail.jitter else []
    if detail.max_runs is not None:
        lines.append(f"{detail.summary.runs} of {detail.max_runs} runs started")
    lines += ["pauses when a run fails"] if detail.pause_on_failure else []
    return lines


def _tick_line(tick: TickSummary, detail: ScheduleDetail) -> str:
    origin = "" if tick.origin == "schedule" else f" ({tick.origin})"
    until = "" if tick.through is None else f" to {_shown(tick.through, detail)}"
    what = f"{_shown(tick.at, detail)}{until}{origin}: {tick.state}"
    if tick.run_id is not None:
        return f"{what} {tick.run_id} {tick.outcome or 'open'}"
    return f"{what} {tick.reason or ''}: {tick.note}" if tick.note else what


def _shown(at: int, detail: ScheduleDetail) -> str:
    """Return an instant as the clocks of the schedule's zone show it, with their offset."""
    from holdfast.schedules import zone_of

    name = getattr(detail.summary.spec, "zone", "UTC")
    local = datetime.fromtimestamp(at // 1000, tz=UTC).astimezone(zone_of(name, what="zone"))
    return local.isoformat(" ")


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
@_BY
@click.option("--note", default="", help="Why, for the record.")
def pause(schedule_id: str, db: str | None, by: str, note: str) -> None:
    """Let no tick of SCHEDULE fire until it is resumed; its runs go on."""
    with_client(db, lambda client: client.get_schedule(schedule_id).pause(by=by, note=note))
    click.echo(f"{schedule_id}: paused by {by}")


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
def resume(schedule_id: str, db: str | None) -> None:
    """Let SCHEDULE go on from now; the ticks that have passed are recorded as skipped."""
    with_client(db, lambda client: client.get_schedule(schedule_id).resume())
    click.echo(f"{schedule_id}: resumed")


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
@_OVERLAP
def trigger(schedule_id: str, db: str | None, overlap: str | None) -> None:
    """Let SCHEDULE fire once now, paused or not."""

    async def work(client: Any) -> None:
        made = client.get_schedule(schedule_id)
        tick = await made.trigger(overlap=overlap)
        click.echo(f"{schedule_id}: {_tick_line(tick, await made.describe(last=0))}")

    with_client(db, work)


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
@click.option(
    "--from",
    "first",
    required=True,
    type=instant,
    metavar="INSTANT",
    help="The first instant of the range.",
)
@click.option(
    "--to",
    "last",
    required=True,
    type=instant,
    metavar="INSTANT",
    help="The last instant of the range.",
)
@click.option("--overlap", type=click.Choice([p.value for p in Overlap]), default="buffer_all", show_default=True, help="What happens to a tick while a run is open.")  # fmt: skip
def backfill(
    schedule_id: str, db: str | None, first: datetime, last: datetime, overlap: str
) -> None:
    """Fire the ticks of SCHEDULE in a range that has passed, those that were started already left out."""

    async def work(client: Any) -> None:
        made = client.get_schedule(schedule_id)
        found = await made.backfill(first, last, overlap=overlap)
        detail = await made.describe(last=0)
        for tick in found:
            click.echo(_tick_line(tick, detail))
        click.echo(f"{schedule_id}: {len(found)} ticks", err=True)

    with_client(db, work)


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
@_timing
@click.option("--args", "arguments", metavar="JSON", help="Its new arguments, as a JSON list.")
def update(schedule_id: str, db: str | None, arguments: str | None, **given: Any) -> None:
    """Change SCHEDULE from now on; what is not given stays, and runs that were started go on."""
    spec = _spec_of(given)
    options = _options_of(given) | ({} if spec is None else {"spec": spec})
    trees = None if arguments is None else _json_list(arguments)

    async def work(client: Any) -> None:
        from holdfast._defining import resolve_workflow

        made = client.get_schedule(schedule_id)
        if trees is not None:
            entry = await made.entry()
            options["args"] = resolve_workflow(entry).definition.signature.decode_args(trees)
        await made.update(**options)
        click.echo(f"{schedule_id}: {_next_line(await made.describe(upcoming=1))}")

    with_client(db, work)


def _json_list(text: str) -> list[Any]:
    try:
        trees = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--args is not JSON: {error}.") from None
    if not isinstance(trees, list):
        raise UsageError(
            f"--args {text}: expected a JSON list of all arguments, for example '[\"Oslo\", 3]'."
        )
    return trees


@schedule.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@DB
def delete(schedule_id: str, db: str | None) -> None:
    """Delete SCHEDULE with what is known of its ticks; runs that were started go on."""
    with_client(db, lambda client: client.get_schedule(schedule_id).delete())
    click.echo(f"{schedule_id}: deleted")
