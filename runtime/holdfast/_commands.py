"""The commands of a run: what its code asks for, in the imperative. `holdfast.history` is their public name."""

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from holdfast._events import Failure, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleActivity:
    """Ask for an activity; `options` are those that differ from none: timeout, retry, queue."""

    kind: ClassVar[str] = "schedule_activity"
    seq: int
    site: str
    name: str
    args: list[Json]
    options: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    """Ask for a timer of `ms` milliseconds."""

    kind: ClassVar[str] = "start_timer"
    seq: int
    site: str
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestApproval:
    """Ask people for a decision; `schema` is the JSON schema of a valid answer, `timeout_ms` None waits for ever.

    `shows` is what the question is about, `quorum` how many different people must answer.
    """

    kind: ClassVar[str] = "request_approval"
    seq: int
    site: str
    name: str
    ask: str
    to: list[str]
    schema: dict[str, Json]
    timeout_ms: int | None
    shows: Json = None
    quorum: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCommand:
    """Take back the command `target`: an activity, a timer, an approval or a child."""

    kind: ClassVar[str] = "cancel_command"
    seq: int
    site: str
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenApproval:
    """Ask again: the answer to the approval `target` fitted its schema and not its type, for `reason`."""

    kind: ClassVar[str] = "reopen_approval"
    seq: int
    site: str
    target: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPatch:
    """Record that the run took the new branch of a patch; the old branch records nothing."""

    kind: ClassVar[str] = "record_patch"
    seq: int
    site: str
    patch: str
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun:
    """End the run with a result."""

    kind: ClassVar[str] = "complete_run"
    seq: int
    site: str
    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRun:
    """End the run with a failure."""

    kind: ClassVar[str] = "fail_run"
    seq: int
    site: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """End the run as cancelled."""

    kind: ClassVar[str] = "cancel_run"
    seq: int
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindApproval:
    """Note that the people of the approval `target` were reminded."""

    kind: ClassVar[str] = "remind_approval"
    seq: int
    site: str
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalateApproval:
    """Ask further people, `to`, for the decision on the approval `target`."""

    kind: ClassVar[str] = "escalate_approval"
    seq: int
    site: str
    target: int
    to: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishValue:
    """Let everybody read `value` under `key`; a later value replaces it."""

    kind: ClassVar[str] = "publish_value"
    seq: int
    site: str
    key: str
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAttributes:
    """Add or replace the attributes by which runs are searched; None removes one."""

    kind: ClassVar[str] = "set_attributes"
    seq: int
    site: str
    attributes: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerUpdate:
    """Reply to the update with the id `update`."""

    kind: ClassVar[str] = "answer_update"
    seq: int
    site: str
    update: str
    reply: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseUpdate:
    """Tell the asker of the update with the id `update` why there is no reply."""

    kind: ClassVar[str] = "refuse_update"
    seq: int
    site: str
    update: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChild:
    """Start a run of `workflow`; `child` None names it after this run and command.

    `on_close` says what becomes of it when this run ends first: cancel, terminate or abandon.
    """

    kind: ClassVar[str] = "start_child"
    seq: int
    site: str
    workflow: str
    entry: str
    child: str | None
    args: list[Json]
    queue: str | None
    on_close: str
    timeout_ms: int | None = None
    retry_budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """Send a signal to the run `target`."""

    kind: ClassVar[str] = "send_signal"
    seq: int
    site: str
    target: str
    name: str
    payload: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCompensation:
    """Keep an activity that undoes a step, to be carried out when the run ends without a result."""

    kind: ClassVar[str] = "register_compensation"
    seq: int
    site: str
    name: str
    args: list[Json]
    options: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompensation:
    """Carry out the compensation that command `target` registered."""

    kind: ClassVar[str] = "run_compensation"
    seq: int
    site: str
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueAsNew:
    """End the run and start another with a short history; `carry` are the turns of messages that it has not read."""

    kind: ClassVar[str] = "continue_as_new"
    seq: int
    site: str
    workflow: str
    entry: str
    args: list[Json]
    carry: list[int] = field(default_factory=list)


Closing: TypeAlias = CompleteRun | FailRun | CancelRun | ContinueAsNew
Command: TypeAlias = (
    ScheduleActivity
    | StartTimer
    | RequestApproval
    | RemindApproval
    | EscalateApproval
    | ReopenApproval
    | CancelCommand
    | RecordPatch
    | PublishValue
    | SetAttributes
    | AnswerUpdate
    | RefuseUpdate
    | StartChild
    | SendSignal
    | RegisterCompensation
    | RunCompensation
    | Closing
)

CLOSINGS = (CompleteRun, FailRun, CancelRun, ContinueAsNew)
COMMANDS: dict[str, type[Command]] = {
    command.kind: command
    for command in (
        ScheduleActivity,
        StartTimer,
        RequestApproval,
        RemindApproval,
        EscalateApproval,
        ReopenApproval,
        CancelCommand,
        RecordPatch,
        PublishValue,
        SetAttributes,
        AnswerUpdate,
        RefuseUpdate,
        StartChild,
        SendSignal,
        RegisterCompensation,
        RunCompensation,
        CompleteRun,
        FailRun,
        CancelRun,
        ContinueAsNew,
    )
}


def name_of(command: Command) -> str:  # noqa: PLR0911 - one line per kind
    """Return the name that identifies a command within its kind; empty for kinds that have none."""
    match command:
        case ScheduleActivity() | RequestApproval() | RegisterCompensation():
            return command.name
        case RecordPatch():
            return command.patch if command.key is None else f"{command.patch}[{command.key}]"
        case (
            CancelCommand()
            | ReopenApproval()
            | RemindApproval()
            | EscalateApproval()
            | RunCompensation()
        ):
            return f"#{command.target}"
        case PublishValue():
            return command.key
        case AnswerUpdate() | RefuseUpdate():
            return command.update
        case StartChild():
            return (
                command.workflow
                if command.child is None
                else f"{command.workflow}[{command.child}]"
            )
        case SendSignal():
            return f"{command.name} to {command.target}"
        case ContinueAsNew():
            return command.workflow
        case StartTimer() | SetAttributes() | CompleteRun() | FailRun() | CancelRun():
            return ""
