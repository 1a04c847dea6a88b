"""Which ticks of a schedule are due, and what becomes of each: given what is known, never touching a clock or a row."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import TypeAlias, assert_never

from holdfast._verdicts import Thresholds
from holdfast.schedules import Overlap, Spec, next_nominal

BUFFER_LIMIT = 1000
ROWS_PER_GAP = 50
"""How many ticks of one gap get a row each; what was missed beyond them is one row together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Hold the nominal time of a tick, and when it fires."""

    nominal: int
    fire_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Hold when a schedule fires; bounds and jitter are milliseconds, both bounds count."""

    schedule: str
    spec: Spec
    start_at: int | None = None
    end_at: int | None = None
    jitter: int = 0

    def after(self, at: int) -> Tick | None:
        """Return the first tick whose nominal time is later than `at`, or None.

        Jitter is drawn from the schedule's id and the nominal time, and never reaches the next nominal time: so ticks
        fire in their order, and every worker finds the same moment.
        """
        nominal = next_nominal(
            self.spec, at if self.start_at is None else max(at, self.start_at - 1)
        )
        if nominal is None or (self.end_at is not None and nominal > self.end_at):
            return None
        return Tick(nominal=nominal, fire_at=nominal + self._delay(nominal))

    def _delay(self, nominal: int) -> int:
        if not self.jitter:
            return 0
        following = next_nominal(self.spec, nominal)
        room = self.jitter if following is None else min(self.jitter, following - nominal - 1)
        drawn = hashlib.sha256(f"{self.schedule}/{nominal}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") % (room + 1)

    def ticks(self, after: int) -> Iterator[Tick]:
        """Return the ticks later than `after`, one after the other."""
        tick = self.after(after)
        while tick is not None:
            yield tick
            tick = self.after(tick.nominal)

    def upcoming(self, after: int, count: int) -> list[Tick]:
        """Return the next ticks, at most `count`."""
        return list(islice(self.ticks(after), count))


def run_id_of(schedule: str, nominal: int, *, triggered: bool = False) -> str:
    """Return the id of the run of a tick: the same for every worker, so that none is started twice."""
    seconds, rest = divmod(nominal, 1000)
    shown = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    part = f".{rest:03}" if rest else ""
    return f"{schedule}-{shown}{part}Z{'-trigger' if triggered else ''}"


class TickState(StrEnum):
    """Name what became of a tick."""

    STARTED = "started"
    BUFFERED = "buffered"
    SKIPPED = "skipped"
    FAILED = "failed"


class Reason(StrEnum):
    """Name why a tick was not started."""

    MISSED = "missed"
    OVERLAP = "overlap"
    BUFFER_FULL = "buffer_full"
    SUPERSEDED = "superseded"
    PAUSED = "paused"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start the run of a tick."""

    tick: Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """Keep a tick until no run of the schedule is open."""

    tick: Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """End the open runs, and keep a tick, in place of those that are kept, until they have ended."""

    tick: Tick
    terminate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Leave a tick out, and with `through` those after it up to that instant."""

    tick: Tick
    reason: Reason
    through: int | None = None


Step: TypeAlias = Start | Buffer | Replace | Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Count the open runs of a schedule, and its ticks that wait for them."""

    open: int = 0
    buffered: int = 0

    def joined_by(self, step: Step) -> "Crowd":
        """Return the counts after a step."""
        match step:
            case Start():
                return replace(self, open=self.open + 1)
            case Buffer():
                return replace(self, buffered=self.buffered + 1)
            case Replace():
                return replace(self, buffered=1)
            case Skip():
                return self
            case _:
                assert_never(step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Hold what decides on ticks: what an open run means, how late is too late, and how many may still be started."""

    overlap: Overlap
    catch_up: int
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hold what becomes of the ticks that are due, in their order, and which tick is next."""

    steps: tuple[Step, ...]
    next: Tick | None

    @property
    def accepted(self) -> int:
        """Return how many ticks are started now or later."""
        return sum(not isinstance(step, Skip) for step in self.steps)


def place(tick: Tick, overlap: Overlap, crowd: Crowd) -> Step:
    """Return what becomes of a tick that is due now."""
    if overlap is Overlap.ALLOW_ALL or not (crowd.open or crowd.buffered):
        return Start(tick=tick)
    match overlap:
        case Overlap.SKIP:
            return Skip(tick=tick, reason=Reason.OVERLAP)
        case Overlap.BUFFER_ONE | Overlap.BUFFER_ALL:
            limit = 1 if overlap is Overlap.BUFFER_ONE else BUFFER_LIMIT
            full = crowd.buffered >= limit
            return Skip(tick=tick, reason=Reason.BUFFER_FULL) if full else Buffer(tick=tick)
        case Overlap.CANCEL_OTHER | Overlap.TERMINATE_OTHER:
            return Replace(tick=tick, terminate=overlap is Overlap.TERMINATE_OTHER)
        case _:
            assert_never(overlap)


def plan(
    timing: Timing, rules: Rules, crowd: Crowd, *, due: Tick, now: int, limit: int = 200
) -> Plan:
    """Return what becomes of the ticks from `due` to `now`; those beyond `limit` are left for the next call."""
    steps: list[Step] = []
    missed = accepted = 0
    tick: Tick | None = due
    while tick is not None and tick.fire_at <= now and len(steps) < limit:
        if rules.remaining is not None and accepted >= rules.remaining:
            break
        last = tick.nominal
        if now - tick.fire_at > rules.catch_up:
            missed += 1
            horizon = max(last, now - rules.catch_up - timing.jitter - 1)
            last = horizon if missed > ROWS_PER_GAP and horizon > last else last
            through = last if last > tick.nominal else None
            steps.append(Skip(tick=tick, reason=Reason.MISSED, through=through))
        else:
            step = place(tick, rules.overlap, crowd)
            crowd = crowd.joined_by(step)
            accepted += not isinstance(step, Skip)
            steps.append(step)
        tick = timing.after(last)
    spent = rules.remaining is not None and accepted >= rules.remaining
    return Plan(steps=tuple(steps), next=None if spent else tick)


def passed(timing: Timing, *, first: Tick | None, now: int) -> Plan:
    """Return the ticks from `first` to `now`, which passed while the schedule was paused, and which tick is next."""
    steps: list[Step] = []
    tick = first
    while tick is not None and tick.nominal <= now:
        through = now if len(steps) >= ROWS_PER_GAP else None
        steps.append(Skip(tick=tick, reason=Reason.PAUSED, through=through))
        tick = timing.after(tick.nominal if through is None else now)
    return Plan(steps=tuple(steps), next=tick)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Hold what is known of a schedule when it is judged; instants are milliseconds."""

    next_at: int | None
    paused_at: int | None
    paused_by: str | None
    pause_note: str | None
    last_state: str | None
    last_reason: str | None
    last_note: str | None
    waits_for: str | None
    buffered: int
    workers: int


def judge(standing: Standing, now: int) -> tuple[str, str]:
    """Return the code of how a schedule is, and why."""
    s = standing
    late = 0 if s.next_at is None else now - s.next_at
    note = f": {s.pause_note}" if s.pause_note else ""
    cause = _NOT_FIRED if s.workers else "no worker is alive; start one"
    cases = (
        (s.paused_at is not None, "paused", f"paused by {s.paused_by}{note}"),
        (late > Thresholds().late, "late", f"a tick is due since {late // 1000} s and has not fired: {cause}"),
        (s.last_state == TickState.FAILED, "failing", f"its last tick could not be started: {s.last_note}"),
        (s.next_at is not None and not s.workers, "unattended", "no worker is alive to fire its next tick; start one"),
        (s.buffered > 0, "held", f"{s.buffered} tick(s) wait until run {s.waits_for} has ended"),
        (bool(s.last_reason == Reason.OVERLAP and s.waits_for), "skipping", f"its last tick was skipped: {s.last_note}"),
        (s.next_at is None, "ended", "no tick follows"),
    )  # fmt: skip
    found = next(((code, why) for holds, code, why in cases if holds), None)
    return found or ("active", "its next tick is awaited")


_NOT_FIRED = "no live worker can read its arguments, or all are busy; look at their logs and keys"
