"""A command that waits for its answer, and what the answer does."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast._core.facts import OrphanEventError, RunFacts
from holdfast._core.failures import activity_error, child_error
from holdfast._core.polling import Poll
from holdfast.errors import SignalError
from holdfast.history import (
    ActivityCompleted,
    ActivityFailed,
    Answer,
    ApprovalDecided,
    ApprovalExpired,
    ChildCompleted,
    ChildFailed,
    Command,
    Json,
    SendSignal,
    SignalDelivered,
    SignalRefused,
    StartChild,
    TimerFired,
)


@dataclass(slots=True)
class Pending:
    """Pair a command with the future that its answer settles."""

    command: Command
    future: asyncio.Future[Any]
    decode: Callable[[Json], Any]
    on_timeout: Callable[[], Any] | None = None
    name: str = ""  # of the activity, where the command does not carry it
    poll: Poll | None = None


def as_it_is(tree: Json) -> Any:
    """Decode nothing: for an answer that nobody reads, or that another part reads."""
    return tree


def settle(pending: Pending, event: Answer, facts: RunFacts) -> None:
    """Hand the answer of a command to whoever awaits it."""
    match event:
        case ActivityCompleted() | ChildCompleted():
            pending.future.set_result(pending.decode(event.result))
        case ApprovalDecided() | ApprovalExpired() | SignalDelivered():
            pending.future.set_result(None)  # a poll has what there is to know
        case ActivityFailed():
            pending.future.set_exception(
                activity_error(pending.command, event.failure, pending.name)
            )
        case ChildFailed() if isinstance(pending.command, StartChild):
            child = facts.child_id(pending.command)
            pending.future.set_exception(child_error(pending.command, event, child))
        case SignalRefused() if isinstance(pending.command, SendSignal):
            target = pending.command.target
            pending.future.set_exception(SignalError(event.failure.message, target=target))
        case TimerFired() | ChildFailed() | SignalRefused():
            raise OrphanEventError(
                f"{event.kind} answers command #{event.seq}, which asks for something else"
            )
