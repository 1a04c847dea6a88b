"""Run one temporalio case in Temporal's sandbox, without a server: `python -m tests.lint.truth.sandbox CASE`.

Every workflow of the case is started with made-up arguments, queried, signalled and updated; its activities, children
and timers answer at once, first with results and then, in a second run, not at all, so that it is thrown out of memory.
Whatever a worker would show is collected: a class that is refused, a failed workflow task, a warning, a task that
takes two seconds. Prints a JSON list of {how, message}.
"""

import asyncio
import dataclasses
import gc
import importlib
import json
import os
import sys
import tempfile
import typing
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any

import temporalio.api.common.v1
from temporalio import workflow
from temporalio.activity import _Definition as ActivityDefinition
from temporalio.bridge.proto.workflow_activation import (
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import (
    CancelTimer,
    QueryResult,
    RequestCancelActivity,
    ScheduleActivity,
    ScheduleLocalActivity,
    SignalExternalWorkflowExecution,
    StartChildWorkflowExecution,
    StartTimer,
    UpdateResponse,
    WorkflowCommand,
)
from temporalio.common import Priority, TypedSearchAttributes
from temporalio.converter import DataConverter
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_DEADLOCK_SECONDS = 2  # what a worker allows
_MOST_TURNS = 60
_CONVERTER = DataConverter.default.payload_converter
_WORDS = ("alpha", "beta", "gamma", "delta")


def main() -> int:
    """Run the case and print what was seen."""
    case = Path(sys.argv[1]).resolve()
    os.chdir(tempfile.mkdtemp(prefix="lint-truth-"))
    sys.path.insert(0, str(case.parent))
    seen = asyncio.run(_watched(case))
    print(json.dumps(seen))
    sys.stdout.flush()
    os._exit(0)  # a thread may hang, which is a finding and no reason to wait


async def _watched(case: Path) -> list[dict[str, str]]:
    """Watch inside a loop: the instances of a worker are made in one."""
    return list(_watch(case))


def _watch(case: Path) -> Iterator[dict[str, str]]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            modules = [importlib.import_module(name) for name in _modules(case)]
        except ModuleNotFoundError as error:
            raise SystemExit(
                f"{case}: {error}; temporalio cases import what is installed"
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever a class is refused with is the result
            yield _seen("refused at import", error)
            return
        for definition in _definitions(modules):
            yield from _drive(definition, _activities(modules))
    for warning in warned:
        if issubclass(warning.category, UserWarning | RuntimeWarning):
            yield {"how": "warned", "message": str(warning.message)}


def _seen(how: str, error: BaseException) -> dict[str, str]:
    return {"how": how, "message": f"{type(error).__name__}: {error}"}


def _modules(case: Path) -> list[str]:
    if case.is_file():
        return [case.stem]
    files = sorted(case.rglob("*.py"))
    return [
        ".".join(file.relative_to(case.parent).with_suffix("").parts).removesuffix(".__init__")
        for file in files
    ]


def _definitions(modules: Sequence[ModuleType]) -> list[workflow._Definition]:
    found = []
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                definition = workflow._Definition.from_class(value)
                if definition is not None:
                    found.append(definition)
    return found


def _activities(modules: Sequence[ModuleType]) -> dict[str, Any]:
    """Map the names of activities to what they return."""
    found: dict[str, Any] = {}
    for module in modules:
        candidates = [*vars(module).values()]
        candidates += [
            member
            for value in candidates
            if isinstance(value, type)
            for member in vars(value).values()
        ]
        for value in candidates:
            definition = ActivityDefinition.from_callable(value) if callable(value) else None
            if definition is not None and definition.name:
                found[definition.name] = definition.ret_type
    return found


def _drive(
    definition: workflow._Definition, activities: dict[str, Any]
) -> Iterator[dict[str, str]]:
    for completes in (True, False):
        gc.collect()  # what was never awaited is said when it is thrown away
        try:
            if completes:
                run = _Run(definition, activities)
                run.start()
                run.converse()
                run.finish()
            else:
                _evict(definition, activities)
        except _TaskFailedError as error:
            yield {"how": "task failed", "message": str(error)}
            return
        except Exception as error:  # noqa: BLE001 - whatever a worker refuses it with is the result
            yield _seen("refused by the worker", error)
            return


def _evict(definition: workflow._Definition, activities: dict[str, Any]) -> None:
    """Throw an unfinished run away; that Python then misses an await says nothing about the workflow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        run = _Run(definition, activities)
        run.start()
        run.evict()
        del run
        gc.collect()


class _TaskFailedError(Exception):
    pass


class _Run:
    """Be one run of a workflow in the sandbox, whose every command is answered."""

    def __init__(self, definition: workflow._Definition, activities: dict[str, Any]) -> None:
        self._definition = definition
        self._activities = activities
        self._pending: list[WorkflowActivationJob] = []
        self._timers: list[WorkflowActivationJob] = []
        self._turn = 0
        self.closed = False
        self._instance: WorkflowInstance = SandboxedWorkflowRunner().create_instance(
            _details(definition)
        )

    def start(self) -> None:
        job = WorkflowActivationJob()
        made = job.initialize_workflow
        made.workflow_type = self._definition.name or "Dynamic"
        made.workflow_id = "case"
        made.randomness_seed = 7
        made.attempt = 1
        arguments = _made_up_all(self._definition.arg_types or [])
        made.arguments.extend(_CONVERTER.to_payloads(arguments))
        self._activate([job])

    def converse(self) -> None:
        """Query it, update it, and send it every signal it takes."""
        self._query()
        for update in self._definition.updates.values():
            job = WorkflowActivationJob()
            job.do_update.id = job.do_update.protocol_instance_id = update.name or "any"
            job.do_update.name = update.name or "any"
            job.do_update.run_validator = True
            job.do_update.input.extend(_CONVERTER.to_payloads(_made_up_all(update.arg_types or [])))
            self._activate([job])
        jobs = []
        for signal in self._definition.signals.values():
            job = WorkflowActivationJob()
            job.signal_workflow.originating_event_id = 5
            job.signal_workflow.signal_name = signal.name or "any"
            job.signal_workflow.input.extend(
                _CONVERTER.to_payloads(_made_up_all(signal.arg_types or []))
            )
            jobs.append(job)
        if jobs:
            self._activate(jobs)
        self._query()

    def _query(self) -> None:
        for query in self._definition.queries.values():
            job = WorkflowActivationJob()
            job.query_workflow.query_id = job.query_workflow.query_type = query.name or "any"
            job.query_workflow.arguments.extend(
                _CONVERTER.to_payloads(_made_up_all(query.arg_types or []))
            )
            self._activate([job])

    def finish(self) -> None:
        """Answer command after command until it ends, or waits for what never comes."""
        while not self.closed and self._turn < _MOST_TURNS:
            waiting = self._pending or self._timers
            if not waiting:
                return
            self._activate([waiting.pop(0)])

    def evict(self) -> None:
        """Throw an unfinished run out of memory, as a full cache does."""
        if self.closed:
            return
        job = WorkflowActivationJob()
        job.remove_from_cache.message = "the cache is full"
        self._activate([job])

    def _activate(self, jobs: list[WorkflowActivationJob]) -> None:
        if self.closed:
            return
        self._turn += 1
        activation = WorkflowActivation(run_id="run", history_length=self._turn * 3, jobs=jobs)
        activation.timestamp.FromDatetime(_START + timedelta(minutes=self._turn))
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            done = pool.submit(self._instance.activate, activation).result(_DEADLOCK_SECONDS)
        except TimeoutError:
            raise _TaskFailedError("[TMPRL1101] Potential deadlock detected") from None
        if done.HasField("failed"):
            failure = done.failed.failure
            cause = failure.application_failure_info.type
            raise _TaskFailedError(f"{cause}: {failure.message}")
        for command in done.successful.commands:
            self._answer(command)

    def _answer(self, command: WorkflowCommand) -> None:
        """Queue what the server would send for a command."""
        kind = command.WhichOneof("variant") or ""
        if kind in _ENDS:
            self.closed = True
            return
        answer = getattr(self, f"_on_{kind}", None)
        if answer is not None:
            answer(getattr(command, kind))

    def _on_respond_to_query(self, given: QueryResult) -> None:
        if given.HasField("failed"):
            raise _TaskFailedError(f"query: {given.failed.message}")

    def _on_update_response(self, given: UpdateResponse) -> None:
        failure = given.rejected
        if failure.application_failure_info.type in _REFUSALS:
            raise _TaskFailedError(f"update: {failure.message}")

    def _on_schedule_activity(self, asked: ScheduleActivity) -> None:
        self._resolve(asked.seq, asked.activity_type, is_local=False)

    def _on_schedule_local_activity(self, asked: ScheduleLocalActivity) -> None:
        self._resolve(asked.seq, asked.activity_type, is_local=True)

    def _resolve(self, seq: int, activity: str, *, is_local: bool) -> None:
        job = WorkflowActivationJob()
        job.resolve_activity.seq = seq
        job.resolve_activity.is_local = is_local
        value = _made_up(self._activities.get(activity), 0)
        job.resolve_activity.result.completed.result.CopyFrom(_payload(value))
        self._pending.append(job)

    def _on_request_cancel_activity(self, asked: RequestCancelActivity) -> None:
        for job in self._pending:
            if job.HasField("resolve_activity") and job.resolve_activity.seq == asked.seq:
                failure = job.resolve_activity.result.cancelled.failure
                failure.message = "cancelled"
                failure.canceled_failure_info.SetInParent()

    def _on_start_timer(self, asked: StartTimer) -> None:
        job = WorkflowActivationJob()
        job.fire_timer.seq = asked.seq
        self._timers.append(job)

    def _on_cancel_timer(self, asked: CancelTimer) -> None:
        self._timers = [job for job in self._timers if job.fire_timer.seq != asked.seq]

    def _on_start_child_workflow_execution(self, asked: StartChildWorkflowExecution) -> None:
        started, ended = WorkflowActivationJob(), WorkflowActivationJob()
        started.resolve_child_workflow_execution_start.seq = asked.seq
        started.resolve_child_workflow_execution_start.succeeded.run_id = f"child-{asked.seq}"
        ended.resolve_child_workflow_execution.seq = asked.seq
        ended.resolve_child_workflow_execution.result.completed.result.CopyFrom(_payload(None))
        self._pending += [started, ended]

    def _on_signal_external_workflow_execution(
        self, asked: SignalExternalWorkflowExecution
    ) -> None:
        job = WorkflowActivationJob()
        job.resolve_signal_external_workflow.seq = asked.seq
        self._pending.append(job)


_ENDS = {
    "complete_workflow_execution",
    "fail_workflow_execution",
    "cancel_workflow_execution",
    "continue_as_new_workflow_execution",
}
_REFUSALS = {"RestrictedWorkflowAccessError", "ReadOnlyContextError", "_ReadOnlyContextError"}


def _payload(value: object) -> temporalio.api.common.v1.Payload:
    return _CONVERTER.to_payloads([value])[0]


def _details(definition: workflow._Definition) -> WorkflowInstanceDetails:
    info = workflow.Info(
        attempt=1, continued_run_id=None, cron_schedule=None, execution_timeout=None,
        first_execution_run_id="run", headers={}, namespace="default", original_execution_run_id="run",
        parent=None, root=None, priority=Priority.default, raw_memo={}, retry_policy=None, run_id="run",
        run_timeout=None, search_attributes={}, start_time=_START, task_queue="cases",
        task_timeout=timedelta(seconds=10), typed_search_attributes=TypedSearchAttributes.empty,
        workflow_id="case", workflow_start_time=_START, workflow_type=definition.name or "Dynamic",
    )  # fmt: skip
    return WorkflowInstanceDetails(
        payload_converter_factory=DataConverter.default._new_payload_converter,
        failure_converter_class=DataConverter.default.failure_converter_class,
        interceptor_classes=[], defn=definition, info=info, randomness_seed=7,
        extern_functions={
            "__temporal_get_metric_meter": lambda: temporalio.common.MetricMeter.noop,
            "__temporal_assert_local_activity_valid": lambda _: None,
        },
        disable_eager_activity_execution=False, worker_level_failure_exception_types=[],
        patch_activation_callback=None, last_completion_result=temporalio.api.common.v1.Payloads(),
        last_failure=None,
    )  # fmt: skip


def _made_up_all(types: Sequence[Any]) -> list[Any]:
    return [_made_up(of, number) for number, of in enumerate(types)]


def _made_up(of: Any, number: int) -> Any:
    """Make a value of a type."""
    if typing.get_origin(of) is not None:
        return _made_up_generic(typing.get_origin(of), typing.get_args(of), number)
    if dataclasses.is_dataclass(of):
        hints = typing.get_type_hints(of)
        fields = enumerate(dataclasses.fields(of))
        return {field.name: _made_up(hints[field.name], place) for place, field in fields}
    if isinstance(of, type) and issubclass(of, Enum):
        return list(of)[number % len(list(of))].value
    simple = {
        str: _WORDS[number % len(_WORDS)],
        int: 3 + number,
        float: 2.5 + number,
        bool: True,
        bytes: b"bytes",
        list: list(_WORDS[:2]),
        dict: {"alpha": 1},
        datetime: (_START + timedelta(days=number)).isoformat(),
    }
    return simple.get(of)


def _made_up_generic(origin: Any, inner: tuple[Any, ...], number: int) -> Any:
    if origin in {typing.Union, UnionType}:
        return _made_up(next((item for item in inner if item is not NoneType), None), number)
    if origin is dict:
        return {_made_up(inner[0], at): _made_up(inner[1], at) for at in (number, number + 1)}
    if origin is tuple and Ellipsis not in inner:
        return [_made_up(item, place) for place, item in enumerate(inner)]
    return [_made_up(inner[0], number), _made_up(inner[0], number + 1)]


if __name__ == "__main__":
    sys.exit(main())
