"""Starting runs on a schedule: the part of a client that makes, changes and reads schedules."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from holdfast._arguments import check_kind, check_text, check_whole, checked_by, refuse
from holdfast._conversing import checked_attributes, declared_by
from holdfast._core.driver import FLAGS
from holdfast._defining import Workflow, resolve_workflow
from holdfast._questions import checked_comment
from holdfast._store import schedule_reading, schedules
from holdfast._store.database import Database
from holdfast._store.records import NewSchedule
from holdfast.clock import milliseconds
from holdfast.codec import schemas_of
from holdfast.errors import ArgumentError
from holdfast.history import canonical
from holdfast.payloads import to_bytes
from holdfast.retry import check_retry_budget
from holdfast.runs import PRIORITY, checked_id, checked_priority
from holdfast.schedules import (
    Calendar,
    Cron,
    Interval,
    Overlap,
    ScheduleDetail,
    ScheduleSummary,
    Spec,
    TickSummary,
    spec_to_json,
)

MAX_SCHEDULE_ID = 160  # the ids of its runs are longer
_LEAST_CATCH_UP = timedelta(seconds=10)


class ScheduleOptions(TypedDict, total=False):
    """Name the options of a schedule; see `Client.create_schedule`."""

    overlap: Overlap | str
    catch_up: timedelta
    jitter: timedelta
    start: datetime | None
    end: datetime | None
    max_runs: int | None
    pause_on_failure: bool
    queue: str
    attributes: Mapping[str, str | int | float | bool]
    timeout: timedelta | None
    retry_budget: int | None
    priority: int


class ScheduleChanges(ScheduleOptions, total=False):
    """Name what can be changed of a schedule."""

    spec: Spec
    args: Sequence[Any]


class ScheduleHandle:
    """Stand for one schedule."""

    def __init__(self, client: "Scheduling", schedule_id: str) -> None:
        self.id = schedule_id
        self._client = client

    def __repr__(self) -> str:
        return f"<schedule {self.id}>"

    async def describe(self, *, upcoming: int = 5, last: int = 20) -> ScheduleDetail:
        """Return everything that is known of the schedule, with its next fire times and its last ticks."""
        return await self._client.database.read(
            schedule_reading.detail, self.id, upcoming=upcoming, last=last
        )

    async def pause(self, *, by: str, note: str = "") -> None:
        """Let no tick fire until the schedule is resumed; its runs go on."""
        checked_by(by, "pause")
        said = checked_comment(note)
        await self._client.database.write(schedules.pause, self.id, by=by.strip(), note=said)

    async def resume(self) -> None:
        """Let the schedule go on from now; the ticks that have passed are recorded as skipped."""
        await self._client.database.write(schedules.resume, self.id, flags=FLAGS)

    async def trigger(self, *, overlap: Overlap | str | None = None) -> TickSummary:
        """Let the schedule fire once now, paused or not, and return what became of that tick.

        Its nominal time is now. It does not count against `max_runs`. `overlap` is that of the schedule by default.
        """
        policy = None if overlap is None else _overlap("trigger", "overlap", overlap)
        row = await self._client.database.write(schedules.trigger, self.id, policy, flags=FLAGS)
        return schedule_reading.tick_summary(row)

    async def backfill(
        self, first: datetime, last: datetime, *, overlap: Overlap | str = Overlap.BUFFER_ALL
    ) -> list[TickSummary]:
        """Fire the ticks from `first` to `last` that were not started, and return what became of them.

        A tick that was started, or waits, is left as it is: the same range twice starts nothing twice. The bounds of
        the schedule and `max_runs` do not count.
        """
        begin, end = (
            _instant("backfill", name, at) for name, at in (("first", first), ("last", last))
        )
        if begin > end:
            raise ArgumentError(
                f"backfill({first}, {last}): the range ends before it begins; nothing was started."
            )
        policy = _overlap("backfill", "overlap", overlap)
        rows = await self._client.database.write(
            schedules.backfill, self.id, begin, end, policy, flags=FLAGS
        )
        return [schedule_reading.tick_summary(row) for row in rows]

    async def update(self, **changes: Unpack[ScheduleChanges]) -> None:
        """Change the schedule from now on; what is not given stays, and runs that were started go on.

        Takes the options of `Client.create_schedule`, `spec` and `args`. To check arguments, the workflow's code must
        be importable here.
        """
        given: dict[str, Any] = dict(changes)
        row = await self._client.database.read(schedules.schedule_row, self.id)
        request: dict[str, Any] = {}
        if "args" in given:
            signature = resolve_workflow(str(row.entry)).definition.signature
            limit = self._client.payload_limit
            request["args"] = signature.encode_args(tuple(given.pop("args")), {}, limit=limit)
        if "attributes" in given:
            request["attributes"] = checked_attributes(given.pop("attributes"))
        values = _columns("update", given)
        if not values and not request:
            raise ArgumentError("update(): nothing to change was given; nothing was changed.")
        _check_bounds("update", {**row._asdict(), **values})
        await self._client.database.write(
            schedules.change, self.id, values, request=request, flags=FLAGS
        )

    async def entry(self) -> str:
        """Return the entry `module:name` of the workflow that the schedule starts."""
        row = await self._client.database.read(schedules.schedule_row, self.id)
        return str(row.entry)

    async def delete(self) -> None:
        """Delete the schedule with what is known of its ticks; runs that were started go on."""
        await self._client.database.write(schedules.remove, self.id)


class Scheduling:
    """Be the part of a client that starts runs on a schedule."""

    database: Database
    payload_limit: int

    async def create_schedule(
        self,
        id: str,  # noqa: A002 - the field's word
        workflow: Workflow[Any, Any] | str,
        *args: Any,
        spec: Spec,
        paused_by: str | None = None,
        note: str = "",
        **options: Unpack[ScheduleOptions],
    ) -> ScheduleHandle:
        """Start a run of a workflow at each tick of a schedule, durably, as long as any worker is alive.

        Args:
            id: Its name. Creating the same schedule again changes nothing; another one with the same id raises
                `ScheduleExistsError`.
            workflow: The workflow, or its entry `module:name`.
            args: The arguments of each run, checked against its signature.
            spec: When it fires: `Cron`, `Interval` or `Calendar`.
            paused_by: Who creates it paused, if it is to be; `note` says why.
            note: Why it is paused.
            options: `overlap` says what happens to a tick while a run is open, by default `skip`. `catch_up` is how late
                a tick may still fire, by default a day. `jitter` delays each tick by up to that much, always the same
                for the same tick. No tick is before `start` or after `end`. `max_runs` is how many ticks are started.
                `pause_on_failure` pauses it when a run fails or times out. `queue`, `attributes`, `timeout`,
                `retry_budget` and `priority` are those of each run, as in `Client.start`.
        """
        found = resolve_workflow(workflow)
        if len(checked_id(id)) > MAX_SCHEDULE_ID:
            refuse(
                "create_schedule", "id", id, f"at most {MAX_SCHEDULE_ID} characters, because the ids of its runs begin with it",
            )  # fmt: skip
        attributes = checked_attributes(options.pop("attributes", {}))
        values = _DEFAULTS | _columns("create_schedule", {"spec": spec, **options})
        _check_bounds("create_schedule", values)
        if paused_by is not None:
            checked_by(paused_by, "create_schedule")
        if values["retry_budget"] is None:
            values["retry_budget"] = found.definition.retry_budget
        encoded = found.definition.signature.encode_args(args, {}, limit=self.payload_limit)
        request = [found.name, encoded, attributes, {k: v for k, v in values.items() if k != "spec"}, spec_to_json(spec)]  # fmt: skip
        new = NewSchedule(
            id=id, workflow=found.name, entry=found.definition.entry, args=encoded, attributes=attributes,
            digest=hashlib.sha256(canonical(request).encode()).hexdigest(),  # type: ignore[arg-type]  # all of it is JSON
            accepts=schemas_of(declared_by(found.fn)), paused_by=None if paused_by is None else paused_by.strip(), pause_note=checked_comment(note), **values,
        )  # fmt: skip
        await self.database.write(schedules.create, new)
        return ScheduleHandle(self, id)

    def get_schedule(self, schedule_id: str) -> ScheduleHandle:
        """Return a handle on a schedule."""
        check_text("get_schedule", "schedule_id", schedule_id, what="the id of a schedule")
        return ScheduleHandle(self, schedule_id)

    async def list_schedules(self, *, after: str = "", limit: int = 200) -> list[ScheduleSummary]:
        """Return schedules by their ids, those later than `after`."""
        return await self.database.read(schedule_reading.summaries, after=after, limit=limit)


_DEFAULTS: dict[str, Any] = {
    "overlap": Overlap.SKIP.value, "catch_up_ms": milliseconds(timedelta(days=1)), "jitter_ms": 0, "start_at": None,
    "end_at": None, "max_runs": None, "pause_on_failure": False, "queue": "default", "timeout_ms": None,
    "retry_budget": None, "priority": PRIORITY,
}  # fmt: skip


def _columns(call: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as columns of the row, or raise `ArgumentError` that names the first one that does not fit."""
    values: dict[str, Any] = {}
    for name, given in options.items():
        if name not in _COLUMNS:
            known = ", ".join(sorted({*_COLUMNS, "attributes"}))
            raise ArgumentError(f"{call}({name}=…): there is no such option; expected {known}.")
        column, convert = _COLUMNS[name]
        values[column] = convert(call, name, given)
    return values


def _check_bounds(call: str, values: Mapping[str, Any]) -> None:
    start, end = values["start_at"], values["end_at"]
    if start is not None and end is not None and start > end:
        raise ArgumentError(f"{call}(start=…, end=…): it ends before it starts.")


_Convert = Callable[[str, str, Any], Any]


def _spec(call: str, name: str, given: Any) -> bytes:
    check_kind(
        call,
        name,
        given,
        (Cron, Interval, Calendar),
        "a Cron, Interval or Calendar of holdfast.schedules",
    )
    return to_bytes(spec_to_json(given))


def _overlap(call: str, name: str, given: Any) -> Overlap:
    if given not in list(Overlap):
        refuse(call, name, given, f"one of {', '.join(Overlap)}")
    return Overlap(given)


def _instant(call: str, name: str, given: Any) -> int:
    if not isinstance(given, datetime) or given.tzinfo is None:
        refuse(
            call,
            name,
            given,
            "a datetime with a time zone, for example datetime(2026, 3, 1, tzinfo=UTC)",
        )
    return round(given.timestamp() * 1000)


def _duration(least: timedelta, why: str = "") -> _Convert:
    def convert(call: str, name: str, given: Any) -> int:
        if not isinstance(given, timedelta) or given < least:
            refuse(call, name, given, f"a timedelta of {least} or more{why}")
        return milliseconds(given)

    return convert


def _count(call: str, name: str, given: Any) -> int:
    check_whole(call, name, given, least=1)
    return int(given)


def _flag(call: str, name: str, given: Any) -> bool:
    check_kind(call, name, given, bool, "True or False")
    return bool(given)


def _queue(call: str, name: str, given: Any) -> str:
    check_text(call, name, given, what="the name of a queue")
    return str(given)


def _budget(call: str, _name: str, given: Any) -> int | None:
    check_retry_budget(given, call)
    return given  # type: ignore[no-any-return]  # checked


def _priority(call: str, _name: str, given: Any) -> int:
    return checked_priority(given, call)


def _optional(convert: _Convert) -> _Convert:
    return lambda call, name, given: None if given is None else convert(call, name, given)


_COLUMNS: dict[str, tuple[str, _Convert]] = {
    "spec": ("spec", _spec),
    "overlap": ("overlap", lambda call, name, given: _overlap(call, name, given).value),
    "catch_up": (
        "catch_up_ms",
        _duration(
            _LEAST_CATCH_UP, ", because workers look in turns and every tick is a little late"
        ),
    ),
    "jitter": ("jitter_ms", _duration(timedelta(0))),
    "start": ("start_at", _optional(_instant)),
    "end": ("end_at", _optional(_instant)),
    "max_runs": ("max_runs", _optional(_count)),
    "pause_on_failure": ("pause_on_failure", _flag),
    "queue": ("queue", _queue),
    "timeout": ("timeout_ms", _optional(_duration(timedelta(milliseconds=1)))),
    "retry_budget": ("retry_budget", _budget),
    "priority": ("priority", _priority),
}
