"""What workflow code may call, and the decorator that makes a function a workflow.

Workflow code orchestrates: it awaits activities, timers and people, in plain asyncio. It does no work itself,
because it runs again from the top whenever its run continues on another worker.
"""

import asyncio
import logging
import random as _random
import uuid
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from holdfast import _masking
from holdfast._approving import ApprovalNotice, Escalation, Vote, approval, approvals
from holdfast._arguments import check_kind, check_text
from holdfast._children import (
    Child,
    Outcome,
    continue_as_new,
    map,  # noqa: A004 - the field's word
    map_settled,
    run_child,
    start_child,
)
from holdfast._conversing import Signal, Update, publish, set_attributes, wait_until
from holdfast._core.execution import SUGGESTED_RECORDS, current, required
from holdfast._defining import Workflow, define
from holdfast._guard import refusing
from holdfast._undoing import Compensation, compensate, roll_back
from holdfast.clock import instant, milliseconds
from holdfast.history import Json

__all__ = [
    "ApprovalNotice",
    "Child",
    "Compensation",
    "Escalation",
    "Outcome",
    "RunInfo",
    "Signal",
    "Update",
    "Vote",
    "Workflow",
    "approval",
    "approvals",
    "compensate",
    "continue_as_new",
    "define",
    "info",
    "logger",
    "map",
    "map_settled",
    "now",
    "patched",
    "publish",
    "random",
    "roll_back",
    "run_child",
    "set_attributes",
    "sleep",
    "start_child",
    "unsafe",
    "uuid4",
    "wait_until",
]

T = TypeVar("T")
_DURATION = "a timedelta, for example timedelta(seconds=30); asyncio.sleep takes seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Describe the run that is executing.

    `parent` is the run that started it as a child, `previous` the run that continued as this one. `history_size`
    counts events and commands; when `continue_suggested` it is time for `continue_as_new`. `schedule` is the schedule
    that started it, for the nominal time `scheduled_for`: the time of the tick, however late the run began.
    """

    run_id: str
    workflow: str
    turn: int
    started_at: datetime
    parent: str | None
    previous: str | None
    attributes: dict[str, Json]
    history_size: int
    continue_suggested: bool
    schedule: str | None = None
    scheduled_for: datetime | None = None


def info() -> RunInfo:
    """Return what is known about this run."""
    execution = required("workflow.info()")
    nominal = execution.started.scheduled_for
    return RunInfo(
        run_id=execution.facts.run_id,
        workflow=execution.definition.name,
        turn=execution.turn,
        started_at=instant(execution.started.at),
        parent=execution.started.parent,
        previous=execution.started.previous,
        attributes=dict(execution.started.attributes),
        history_size=execution.history_size,
        continue_suggested=execution.history_size >= SUGGESTED_RECORDS,
        schedule=execution.started.schedule,
        scheduled_for=None if nominal is None else instant(nominal),
    )


def now() -> datetime:
    """Return the time of the event that woke the run, in UTC; it does not move until the next event."""
    return instant(required("workflow.now()").now_ms)


def random() -> _random.Random:
    """Return this run's random numbers: replay draws the same ones."""
    return required("workflow.random()").random


def uuid4() -> uuid.UUID:
    """Return a random UUID: replay returns the same one."""
    return required("workflow.uuid4()").random.uuid4()


def unsafe(reason: str) -> AbstractContextManager[None]:
    """Let this task, and no other, make calls that are refused in a workflow; elsewhere it does nothing.

    What the calls give must not decide what the workflow asks for: a replay makes them again and gets something else.
    The reason stays in the code, for whoever reads it next.
    """
    return refusing.unsafe(reason)


async def sleep(duration: timedelta) -> None:
    """Wait durably; `asyncio.sleep(seconds)` does the same."""
    required("workflow.sleep()")
    check_kind("workflow.sleep", "duration", duration, timedelta, _DURATION)
    await asyncio.sleep(milliseconds(duration) / 1000)


def patched(patch: str, *, key: str | int | None = None) -> bool:
    """Tell whether this run takes the new branch of a change.

    New runs do; a run that had already passed this place keeps the old branch, and so does one that comes to it while
    a live worker of its queue runs code that does not know the patch. The answer is recorded per `patch` and `key`:
    give a key in a loop, where each round may decide for itself.
    """
    execution = required("workflow.patched()")
    check_text("workflow.patched", "patch", patch, what="the id of a change")
    return execution.patched(patch, None if key is None else str(key))


class _LiveOnly(logging.LoggerAdapter[logging.Logger]):
    """Log what happens for the first time, and nothing while replaying."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Tell whether a record of this level would be written now."""
        execution = current()
        return (execution is None or execution.is_live) and super().isEnabledFor(level)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the run id."""
        execution = current()
        kwargs["extra"] = {"run_id": execution.facts.run_id if execution else ""} | (
            kwargs.get("extra") or {}
        )
        return msg, kwargs


logger = _LiveOnly(_masking.logger("holdfast.workflow"), {})
"""A logger that writes each message once, however often its run is replayed."""
