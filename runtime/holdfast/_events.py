"""The inbound events of a run: what has happened to it, in the past tense. `holdfast.history` is their public name."""

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Describe an error as data; it never holds a traceback, which would differ on every machine."""

    type: str
    message: str
    attempts: int = 1
    details: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """Record the start of a run; `args` are encoded positional arguments.

    `parent` is the run that started it, `previous` the run that continued as this one. `schedule` is the schedule that
    started it, for the nominal time `scheduled_for` in milliseconds.
    """

    kind: ClassVar[str] = "run_started"
    turn: int
    at: int
    args: list[Json]
    attributes: dict[str, Json] = field(default_factory=dict)
    parent: str | None = None
    previous: str | None = None
    schedule: str | None = None
    scheduled_for: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCompleted:
    """Record the result of the activity that command `seq` scheduled."""

    kind: ClassVar[str] = "activity_completed"
    turn: int
    at: int
    seq: int
    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFailed:
    """Record that the activity that command `seq` scheduled failed for good."""

    kind: ClassVar[str] = "activity_failed"
    turn: int
    at: int
    seq: int
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """Record that the timer that command `seq` started is due."""

    kind: ClassVar[str] = "timer_fired"
    turn: int
    at: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided:
    """Record a person's answer to the approval that command `seq` requested.

    `saw` is the digest of the question as it was shown to that person; empty when it was not given.
    """

    kind: ClassVar[str] = "approval_decided"
    turn: int
    at: int
    seq: int
    answer: Json
    by: str
    comment: str = ""
    saw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalExpired:
    """Record that nobody answered the approval that command `seq` requested in time."""

    kind: ClassVar[str] = "approval_expired"
    turn: int
    at: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Record that somebody asked the run to cancel itself."""

    kind: ClassVar[str] = "cancel_requested"
    turn: int
    at: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """Record a message to the run; `message` is the id by which a second delivery of it is known."""

    kind: ClassVar[str] = "signal_received"
    turn: int
    at: int
    name: str
    payload: Json
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRequested:
    """Record that somebody asked the run for a reply; `update` is the id of the request."""

    kind: ClassVar[str] = "update_requested"
    turn: int
    at: int
    name: str
    payload: Json
    update: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDiscarded:
    """Record that somebody took a signal out of the way which the code could not read; it came in turn `target`."""

    kind: ClassVar[str] = "signal_discarded"
    turn: int
    at: int
    target: int
    name: str
    message: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCompleted:
    """Record the result of the child that command `seq` started."""

    kind: ClassVar[str] = "child_completed"
    turn: int
    at: int
    seq: int
    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFailed:
    """Record that the child that command `seq` started ended without a result; `status` is how."""

    kind: ClassVar[str] = "child_failed"
    turn: int
    at: int
    seq: int
    status: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDelivered:
    """Record that the signal that command `seq` sent is in the history of its target."""

    kind: ClassVar[str] = "signal_delivered"
    turn: int
    at: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRefused:
    """Record that the signal that command `seq` sent found no open run."""

    kind: ClassVar[str] = "signal_refused"
    turn: int
    at: int
    seq: int
    failure: Failure


Answer: TypeAlias = (
    ActivityCompleted
    | ActivityFailed
    | TimerFired
    | ApprovalDecided
    | ApprovalExpired
    | ChildCompleted
    | ChildFailed
    | SignalDelivered
    | SignalRefused
)
"""An event that answers the command `seq`."""

Event: TypeAlias = (
    RunStarted | CancelRequested | SignalReceived | SignalDiscarded | UpdateRequested | Answer
)

EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        RunStarted,
        ActivityCompleted,
        ActivityFailed,
        TimerFired,
        ApprovalDecided,
        ApprovalExpired,
        CancelRequested,
        SignalReceived,
        SignalDiscarded,
        UpdateRequested,
        ChildCompleted,
        ChildFailed,
        SignalDelivered,
        SignalRefused,
    )
}
