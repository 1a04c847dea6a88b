"""How instants, events and commands are said to a person."""

import json
from collections.abc import Mapping
from typing import Any

from holdfast.clock import instant
from holdfast.health import Family, span
from holdfast.history import (
    ActivityCompleted,
    ActivityFailed,
    AnswerUpdate,
    ApprovalDecided,
    ApprovalExpired,
    CancelCommand,
    CancelRequested,
    CancelRun,
    ChildCompleted,
    ChildFailed,
    Command,
    CompleteRun,
    ContinueAsNew,
    EscalateApproval,
    Event,
    FailRun,
    PublishValue,
    RecordPatch,
    RefuseUpdate,
    RegisterCompensation,
    RemindApproval,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    RunStarted,
    ScheduleActivity,
    SendSignal,
    SetAttributes,
    SignalDelivered,
    SignalDiscarded,
    SignalReceived,
    SignalRefused,
    StartChild,
    StartTimer,
    TimerFired,
    Turn,
    UpdateRequested,
    name_of,
)

FAMILIES: dict[Family, str] = {
    Family.STUCK: "Stuck",
    Family.PERSON: "Needs a person",
    Family.RETRYING: "Retrying",
    Family.WAITING: "Waiting",
    Family.WORKING: "Working",
    Family.CLOSED: "Closed",
}
_SHORT = 80
_LONG = 20_000


def iso(at: int) -> str:
    """Return an instant for machines."""
    return instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(at: int) -> str:
    """Return an instant for people, to the second."""
    return instant(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def relative(at: int, now: int) -> str:
    """Return how long ago an instant was, or how far off it is."""
    if abs(at - now) < 1000:  # noqa: PLR2004 - below a second there is nothing to tell
        return "now"
    return f"{span(now - at)} ago" if at < now else f"in {span(at - now)}"


def shorten(text: str, limit: int = _SHORT) -> str:
    """Return at most `limit` characters of a text."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def compact(value: Any) -> str:
    """Return a payload as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def pretty(value: Any) -> str:
    """Return a payload as indented JSON; a long one is cut, for pages reload often."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return (
        text
        if len(text) <= _LONG
        else f"{text[:_LONG]}\n… {len(text) - _LONG:,} characters more: see this page as JSON"
    )


def names_in(turns: tuple[Turn, ...]) -> dict[int, str]:
    """Return what each command number of a history stands for."""
    return {
        command.seq: name_of(command) or command.kind.removeprefix("start_")
        for turn in turns
        for command in turn.commands or ()
    }


def event_words(  # noqa: PLR0911, PLR0912, C901 - one line per kind
    event: Event, names: Mapping[int, str]
) -> str:
    """Return an event as a sentence without its full stop."""
    match event:
        case RunStarted():
            return f"Started with {shorten(', '.join(compact(arg) for arg in event.args)) or 'no arguments'}"
        case ActivityCompleted():
            return f"{_name(event.seq, names)} returned {shorten(compact(event.result))}"
        case ActivityFailed():
            failure = event.failure
            return f"{_name(event.seq, names)} failed: {failure.type}: {shorten(failure.message)}"
        case TimerFired():
            return f"Timer #{event.seq} fired"
        case ApprovalDecided():
            return f"{event.by} decided {_name(event.seq, names)}: {shorten(compact(event.answer))}"
        case ApprovalExpired():
            return f"Nobody decided {_name(event.seq, names)} in time"
        case CancelRequested():
            return f"Cancel requested{f': {event.reason}' if event.reason else ''}"
        case SignalDiscarded():
            why = f": {event.reason}" if event.reason else ""
            return f"Signal {event.name} (message {event.message}) was discarded by {event.by}{why}"
        case SignalReceived():
            return f"Signal {event.name} came: {shorten(compact(event.payload))}"
        case UpdateRequested():
            return f"Update {event.name} was asked for: {shorten(compact(event.payload))}"
        case ChildCompleted():
            return f"Child {_name(event.seq, names)} returned {shorten(compact(event.result))}"
        case ChildFailed():
            failure = event.failure
            return f"Child {_name(event.seq, names)} {event.status}: {failure.type}: {shorten(failure.message)}"
        case SignalDelivered():
            return f"Signal {_name(event.seq, names)} was delivered"
        case SignalRefused():
            return f"Signal {_name(event.seq, names)} was refused: {shorten(event.failure.message)}"


def command_words(  # noqa: PLR0911, PLR0912, C901 - one line per kind
    command: Command, names: Mapping[int, str]
) -> str:
    """Return a command as a sentence without its full stop."""
    match command:
        case ScheduleActivity():
            return (
                f"call {command.name}({shorten(', '.join(compact(arg) for arg in command.args))})"
            )
        case StartTimer():
            return f"sleep {span(command.ms)}"
        case RequestApproval():
            return f"ask {', '.join(command.to) or 'nobody'}: {shorten(command.ask)}"
        case CancelCommand():
            return f"take back {_name(command.target, names)}"
        case ReopenApproval():
            return f"ask again for {_name(command.target, names)}: {shorten(command.reason)}"
        case RecordPatch():
            return f"take the new branch of {name_of(command)}"
        case RemindApproval():
            return f"remind the people of {_name(command.target, names)}"
        case EscalateApproval():
            return f"ask {', '.join(command.to)} too for {_name(command.target, names)}"
        case PublishValue():
            return f"publish {command.key}: {shorten(compact(command.value))}"
        case SetAttributes():
            return f"set attributes {shorten(compact(command.attributes))}"
        case AnswerUpdate():
            return f"answer update {command.update}: {shorten(compact(command.reply))}"
        case RefuseUpdate():
            return f"refuse update {command.update}: {shorten(command.failure.message)}"
        case StartChild():
            return f"start child {name_of(command)}({shorten(', '.join(compact(arg) for arg in command.args))})"
        case SendSignal():
            return f"send signal {command.name} to {command.target}"
        case RegisterCompensation():
            return f"keep {command.name} as compensation"
        case RunCompensation():
            return f"compensate by {_name(command.target, names)}"
        case ContinueAsNew():
            return f"continue as a new run of {command.workflow}"
        case CompleteRun():
            return f"end with {shorten(compact(command.result))}"
        case FailRun():
            return f"fail with {command.failure.type}: {shorten(command.failure.message)}"
        case CancelRun():
            return "end as cancelled"


def _name(seq: int, names: Mapping[int, str]) -> str:
    return f"{names.get(seq, 'command')} #{seq}"
