"""Events and commands in words, as reports show them."""

from collections.abc import Mapping, Sequence

from holdfast.history import (
    Command,
    ContinueAsNew,
    Event,
    Json,
    RegisterCompensation,
    ScheduleActivity,
    SetAttributes,
    SignalDiscarded,
    SignalReceived,
    StartChild,
    StartTimer,
    Turn,
    UpdateRequested,
    name_of,
)

_EVENTS = {
    "run_started": "start",
    "activity_completed": "result of",
    "activity_failed": "failure of",
    "timer_fired": "timer",
    "approval_decided": "decision on",
    "approval_expired": "timeout of",
    "cancel_requested": "cancel request",
    "signal_received": "signal",
    "signal_discarded": "discarding of signal",
    "update_requested": "update",
    "child_completed": "result of child",
    "child_failed": "failure of child",
    "signal_delivered": "delivery of signal",
    "signal_refused": "refusal of signal",
}
_COMMANDS = {
    "schedule_activity": "activity",
    "start_timer": "timer",
    "request_approval": "approval",
    "remind_approval": "reminder of",
    "escalate_approval": "escalation of",
    "reopen_approval": "ask again",
    "cancel_command": "cancel",
    "record_patch": "patch",
    "publish_value": "publish",
    "set_attributes": "attributes",
    "answer_update": "answer to update",
    "refuse_update": "refusal of update",
    "start_child": "child",
    "send_signal": "signal",
    "register_compensation": "registration of the compensation",
    "run_compensation": "compensation",
    "complete_run": "end of the run",
    "fail_run": "failure of the run",
    "cancel_run": "cancellation of the run",
    "continue_as_new": "continuation as",
}


def describe_event(event: Event | None, names: Mapping[int, str]) -> str:
    """Return an inbound event in words; `names` says what each command number stands for."""
    match event:
        case None:
            return "nothing"
        case SignalReceived() | SignalDiscarded() | UpdateRequested():
            return f"{_EVENTS[event.kind]} {event.name}"
    seq = getattr(event, "seq", None)
    target = "" if seq is None else f" #{seq} {names.get(seq, '')}".rstrip()
    return _EVENTS[event.kind] + target


def describe_command(command: Command) -> str:
    """Return a command in words."""
    word = f"{_COMMANDS[command.kind]} {name_of(command)}".rstrip()
    match command:
        case ScheduleActivity() | RegisterCompensation() | StartChild() | ContinueAsNew():
            return f"{word}({', '.join(_short(arg) for arg in command.args)})"
        case StartTimer():
            return f"{word} {command.ms / 1000:g} s"
        case SetAttributes():
            return f"{word} {', '.join(sorted(command.attributes))}".rstrip()
    return word


def names_of(turns: Sequence[Turn]) -> dict[int, str]:
    """Return what each recorded command number stands for."""
    return {
        command.seq: name_of(command) or command.kind.removeprefix("start_")
        for turn in turns
        for command in turn.commands or ()
    }


def _short(value: Json, limit: int = 32) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
