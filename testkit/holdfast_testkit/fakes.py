"""Stand-ins for activities: what each call answers, and what it was called with."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from holdfast import ApplicationError
from holdfast.activity import Activity, define
from holdfast.errors import ArgumentError

TimeoutKind = Literal["start_to_close", "heartbeat", "schedule_to_start", "schedule_to_close"]


class HeartbeatTimeout(TimeoutError):  # noqa: N818 - the name that histories give it
    """Stand for an attempt without heartbeats."""


class ScheduleToStartTimeout(ApplicationError):  # noqa: N818 - the name that histories give it
    """Stand for an activity that no worker took in time."""

    def __init__(self, message: str) -> None:
        super().__init__(message, non_retryable=True)


class ScheduleToCloseTimeout(ScheduleToStartTimeout):
    """Stand for an activity that took too long in all."""


_TIMEOUTS: dict[str, type[Exception]] = {
    "start_to_close": TimeoutError,
    "heartbeat": HeartbeatTimeout,
    "schedule_to_start": ScheduleToStartTimeout,
    "schedule_to_close": ScheduleToCloseTimeout,
}


class NotFakedError(AssertionError):
    """Report an activity that a simulated workflow called and that has no fake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    give: Callable[..., Any]


@dataclass(slots=True)
class Fake:
    """Answer the calls of one activity: each `returns`, `raises` or `runs` is for one attempt, the last for all others.

    `calls` holds the arguments of every attempt, retries included.
    """

    name: str
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    _answers: list[_Answer] = field(default_factory=list)
    _probe_answer: Any = None

    def returns(self, value: Any) -> Self:
        """Let the next attempt return a value; it is encoded by the activity's own type."""
        return self.runs(lambda *_args: value)

    def raises(self, error: Exception) -> Self:
        """Let the next attempt fail; its retry policy decides what follows."""

        def fail(*_args: Any) -> Any:
            raise error

        return self.runs(fail)

    def times_out(self, kind: TimeoutKind = "start_to_close") -> Self:
        """Let the next attempt end by a time limit; those that begin with the schedule fail the activity for good."""
        if kind not in _TIMEOUTS:
            raise ArgumentError(
                f"times_out(kind={kind!r}): expected one of {', '.join(map(repr, _TIMEOUTS))}."
            )
        return self.raises(_TIMEOUTS[kind]("simulated"))

    def reconciles(self, answer: Any) -> Self:
        """Let the probe of an `effect="once"` activity answer `Happened(…)`, `NotHappened()` or None, or raise an error.

        Without this the probe cannot tell, and the activity waits for a person.
        """
        self._probe_answer = answer
        return self

    def runs(self, function: Callable[..., Any]) -> Self:
        """Let the next attempt call a function with the activity's arguments."""
        self._answers.append(_Answer(give=function))
        return self

    def answer(self, args: tuple[Any, ...]) -> Any:
        """Answer one attempt."""
        self.calls.append(args)
        if not self._answers:
            raise NotFakedError(
                f"The fake of {self.name} has no answer. Give it one: sim.fake({self.name}).returns(…)."
            )
        return self._answers[min(len(self.calls), len(self._answers)) - 1].give(*args)

    def probe(self) -> Any:
        """Answer whether the effect of the last attempt has happened."""
        if isinstance(self._probe_answer, BaseException):
            raise self._probe_answer
        return self._probe_answer


def replaced(
    activity: Activity[..., Any],
    answer: Callable[[tuple[Any, ...]], Any],
    probe: Callable[[], Any] = lambda: None,
) -> Activity[..., Any]:
    """Return an activity of the same name and types that answers by `answer`, and its probe by `probe`."""

    @functools.wraps(activity.fn)  # the types of the original decide how values are encoded
    async def fake(*args: Any) -> Any:
        return answer(args)

    @functools.wraps(activity.fn)
    async def ask(*_args: Any) -> Any:
        return probe()

    if activity.definition.options.effect != "once":
        made: Activity[..., Any] = define(name=activity.name)(fake)
    else:
        made = define(name=activity.name, effect="once", reconcile=ask)(fake)
    return made


def refusing(activity: Activity[..., Any], missing: list[str]) -> Activity[..., Any]:
    """Return an activity that notes that it has no fake, and fails."""

    def refuse(_args: tuple[Any, ...]) -> Any:
        missing.append(activity.name)
        raise ApplicationError(f"{activity.name} has no fake", non_retryable=True)

    return replaced(activity, refuse)
