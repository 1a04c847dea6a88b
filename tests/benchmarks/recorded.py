"""Histories of the same runs: as holdfast records them, and as Temporal's server does."""

import base64
import inspect
import json
from collections.abc import Callable
from typing import Any

from tests.benchmarks.orders import (
    WIDTH,
    charge,
    gathered,
    order_json,
    receipt_json,
    sequential,
    total_of,
)

from holdfast.history import (
    ActivityCompleted,
    Command,
    CompleteRun,
    Event,
    Header,
    History,
    RunStarted,
    ScheduleActivity,
    Turn,
)

_START = 1_767_225_600_000


def holdfast_history(workflow: str, count: int, *, width: int) -> History:
    """Return the history of a run that charged `count` orders, `width` at a time."""
    flow = {"sequential": sequential, "gathered": gathered}[workflow]
    site = _site_of_call(flow.fn)
    turns = [_turn(RunStarted(turn=1, at=_START, args=[count]), _asked(0, width, site))]
    for number in range(count):
        done = number + 1
        event = ActivityCompleted(
            turn=done + 1, at=_START + done, seq=done, result=receipt_json(number)
        )
        commands: tuple[Command, ...] = ()
        if done == count:
            commands = (CompleteRun(seq=count + 1, site="", result=total_of(count)),)
        elif done % width == 0:
            commands = _asked(done, width, site)
        turns.append(_turn(event, commands))
    header = Header(
        workflow=workflow, entry=f"tests.benchmarks.orders:{workflow}", run="r", status="completed", code="",
        python="3.11", flags=0, seed="s",
    )  # fmt: skip
    return History(header=header, turns=tuple(turns))


def _site_of_call(flow: Callable[..., Any]) -> str:
    """Return the place at which a workflow calls its activity, as each of its commands has it."""
    lines, first = inspect.getsourcelines(flow)
    line = next(number for number, text in enumerate(lines, first) if "charge(" in text)
    inner = " > <genexpr>" if "gather(" in lines[line - first - 1] else ""
    return f"tests/benchmarks/orders.py:{line} in {flow.__name__}{inner}"


def _asked(first: int, width: int, site: str) -> tuple[Command, ...]:
    options = charge.definition.options.to_json()
    return tuple(
        ScheduleActivity(
            seq=number + 1, site=site, name="charge", args=[order_json(number)], options=options,
        )
        for number in range(first, first + width)
    )  # fmt: skip


def _turn(event: Event, commands: tuple[Command, ...]) -> Turn:
    return Turn(event=event, commands=commands)


def temporal_history(workflow: str, count: int, *, width: int = WIDTH) -> dict[str, Any]:
    """Return the same run as Temporal's JSON, with the events that its server writes.

    With several activities at a time all their results arrive before the next workflow task: fewer tasks, which is to
    Temporal's advantage.
    """
    events = _Events()
    events.add("WorkflowExecutionStarted", {
        "workflowType": {"name": workflow}, "taskQueue": {"name": "q"}, "input": _payloads(count),
        "workflowTaskTimeout": "10s", "originalExecutionRunId": "run", "firstExecutionRunId": "run", "attempt": 1,
    })  # fmt: skip
    task = events.workflow_task(events.task_scheduled())
    for first in range(0, count, width):
        scheduled = [
            events.activity_scheduled(number, task) for number in range(first, first + width)
        ]
        events.activity_completed(first, scheduled[0])
        woken = events.task_scheduled()
        for number, event in enumerate(scheduled[1:], first + 1):
            events.activity_completed(number, event)
        task = events.workflow_task(woken)
    events.add("WorkflowExecutionCompleted", {
        "result": _payloads(total_of(count)), "workflowTaskCompletedEventId": task,
    })  # fmt: skip
    return {"events": events.made}


class _Events:
    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def add(self, kind: str, attributes: dict[str, Any]) -> str:
        number = str(len(self.made) + 1)
        field = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        at = f"2026-01-01T{len(self.made) // 3600 % 24:02}:{len(self.made) // 60 % 60:02}:{len(self.made) % 60:02}Z"
        self.made.append({"eventId": number, "eventTime": at, "eventType": kind, field: attributes})
        return number

    def task_scheduled(self) -> str:
        return self.add(
            "WorkflowTaskScheduled", {"taskQueue": {"name": "q"}, "startToCloseTimeout": "10s", "attempt": 1}
        )  # fmt: skip

    def workflow_task(self, scheduled: str) -> str:
        started = self.add("WorkflowTaskStarted", {"scheduledEventId": scheduled})
        attributes: dict[str, Any] = {"scheduledEventId": scheduled, "startedEventId": started}
        if (
            started == "3"
        ):  # without these flags of a new run, the SDK skips the comparison of names
            attributes["sdkMetadata"] = {"coreUsedFlags": [1, 2, 3], "langUsedFlags": [1]}
        return self.add("WorkflowTaskCompleted", attributes)

    def activity_scheduled(self, number: int, task: str) -> str:
        return self.add("ActivityTaskScheduled", {
            "activityId": str(number + 1), "activityType": {"name": "charge"}, "taskQueue": {"name": "q"},
            "input": _payloads(order_json(number)), "startToCloseTimeout": "10s", "workflowTaskCompletedEventId": task,
        })  # fmt: skip

    def activity_completed(self, number: int, scheduled: str) -> None:
        started = self.add("ActivityTaskStarted", {"scheduledEventId": scheduled, "attempt": 1})
        self.add("ActivityTaskCompleted", {
            "scheduledEventId": scheduled, "startedEventId": started, "result": _payloads(receipt_json(number)),
        })  # fmt: skip


def _payloads(value: Any) -> dict[str, Any]:
    encoding = base64.b64encode(b"json/plain").decode()
    data = base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()
    return {"payloads": [{"metadata": {"encoding": encoding}, "data": data}]}
