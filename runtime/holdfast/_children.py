"""Runs that a run starts, work over many inputs, and going on as a new run. `holdfast.workflow` is the public name."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Literal, NoReturn, TypeVar, cast

from holdfast._arguments import check_text, check_whole, refuse
from holdfast._conversing import Signal, checked_timeout
from holdfast._core.continuing import Continuation, ContinueAsNewRequest
from holdfast._core.execution import Execution, required
from holdfast._core.sites import call_site
from holdfast._defining import Workflow, checked_workflow
from holdfast.errors import ApplicationError, ArgumentError, ForbiddenCallError
from holdfast.history import StartChild
from holdfast.runs import checked_id

T = TypeVar("T")
R = TypeVar("R")

OnClose = Literal["cancel", "terminate", "abandon"]
OnCancel = Literal["cancel", "wait", "abandon"]


class Child(Generic[R]):
    """Stand for a run that this run has started. It runs whether or not anybody awaits its result."""

    def __init__(
        self,
        execution: Execution,
        command: StartChild,
        future: asyncio.Future[R],
        on_cancel: OnCancel,
    ) -> None:
        self.id = execution.facts.child_id(command)
        self._execution = execution
        self._seq = command.seq
        self._future = future
        self._on_cancel = on_cancel
        future.add_done_callback(_retrieve)  # a child that nobody awaits may fail

    def __repr__(self) -> str:
        return f"<child {self.id}>"

    async def result(self) -> R:
        """Wait until the child ends and return its result; `ChildError` when it ends without one.

        When the waiting task is cancelled, `on_cancel` decides what becomes of the child.
        """
        execution = self._execution
        with execution.parking.during("child", self.id, call_site(), execution.now_ms, None):
            try:
                return await asyncio.shield(self._future)
            except asyncio.CancelledError:
                await self._when_cancelled()
                raise

    async def _when_cancelled(self) -> None:
        if self._future.done() or self._on_cancel == "abandon":
            return
        self.cancel()
        if self._on_cancel == "wait":
            await asyncio.wait([self._future])

    def cancel(self) -> None:
        """Ask the child to cancel itself; `result()` raises `ChildError` when it has done so."""
        self._execution.cancel_child(self._seq)

    async def signal(self, signal: Signal[T], value: T) -> None:
        """Send a message to the child."""
        await signal.send(self.id, value)


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def start_child(
    workflow: Workflow[Any, R],
    *args: Any,
    id: str | None = None,  # noqa: A002 - the field's word
    queue: str | None = None,
    on_close: OnClose = "cancel",
    on_cancel: OnCancel = "cancel",
    timeout: timedelta | None = None,
) -> Child[R]:
    """Start another run as a part of this one; await its `result()`, or leave it to itself.

    Args:
        workflow: What the child runs.
        args: Its arguments, checked against its signature.
        id: Its run id; by default one made of this run's id. A run of that id that exists already is an error.
        queue: Which workers advance it; by default those of this run.
        on_close: What happens to it when this run ends first. "abandon" starts it detached.
        on_cancel: What happens to it when the task that awaits its result is cancelled: "cancel" asks it to cancel
            itself and goes on, "wait" asks and waits until it has ended, "abandon" lets it run.
        timeout: How long it may take from its start; then it is ended as timed out. None means for ever.
    """
    execution = required("workflow.start_child()")
    checked_workflow("start_child", workflow)
    check_text("start_child", "queue", queue, optional=True, what="the name of a queue")
    if id is not None:
        checked_id(id)
    limit = None if timeout is None else checked_timeout("start_child", timeout)
    if on_close not in {"cancel", "terminate", "abandon"} or on_cancel not in {
        "cancel",
        "wait",
        "abandon",
    }:
        raise ArgumentError(
            f"start_child(on_close={on_close!r}, on_cancel={on_cancel!r}): on_close is cancel, terminate or abandon; "
            "on_cancel is cancel, wait or abandon."
        )
    definition = workflow.definition
    encoded = execution.encoding.args(definition.signature, args, {})
    made: list[StartChild] = []

    def command(seq: int, site: str) -> StartChild:
        made.append(
            StartChild(
                seq=seq,
                site=site,
                workflow=definition.name,
                entry=definition.entry,
                child=id,
                args=encoded,
                queue=queue,
                on_close=on_close,
                timeout_ms=limit,
                retry_budget=definition.retry_budget,
            )
        )
        return made[0]

    _, future = execution.ask(command, definition.signature.decode_result)
    return Child(execution, made[0], future, on_cancel)


async def run_child(
    workflow: Workflow[Any, R],
    *args: Any,
    id: str | None = None,  # noqa: A002 - the field's word
    queue: str | None = None,
    timeout: timedelta | None = None,  # noqa: ASYNC109 - a durable deadline
) -> R:
    """Start another run as a part of this one and return its result."""
    return await start_child(workflow, *args, id=id, queue=queue, timeout=timeout).result()


def continue_as_new(*args: Any, workflow: Workflow[Any, Any] | None = None) -> NoReturn:
    """End this run and go on as a new one with a short history; call it in the workflow function itself.

    Signals that were not received and updates that no handler took go with it, and so do attributes and published
    values. `client.get(id)` of any run of the chain follows it to the end.

    Args:
        args: The arguments of the new run.
        workflow: What it runs; by default the same workflow.
    """
    execution = required("workflow.continue_as_new()")
    if not execution.is_main():
        raise ForbiddenCallError(
            "workflow.continue_as_new() ends the workflow, so only the workflow function's own task may call it, not "
            "one that it has started. Return to the workflow function and call it there."
        )
    execution.refuse_open_compensations()
    definition = (
        execution.definition
        if workflow is None
        else checked_workflow("continue_as_new", workflow).definition
    )
    encoded = execution.encoding.args(definition.signature, args, {})
    raise ContinueAsNewRequest(Continuation(definition=definition, args=encoded, site=call_site()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[R]):
    """Say what became of one input: `state` is completed, failed or skipped, and `value` or `error` goes with it."""

    index: int
    state: Literal["completed", "failed", "skipped"]
    value: R | None = None
    error: Exception | None = None


async def map(  # noqa: A001 - the field's word
    fn: Callable[[T], Awaitable[R]],
    inputs: Iterable[T],
    *,
    limit: int | None = None,
) -> list[R]:
    """Call an activity, an async function or a workflow (as a child) for each input, and return the results in order.

    The first failure cancels what is still running and is raised.

    Args:
        fn: What to call with one input.
        inputs: The inputs.
        limit: How many run at once; None lets all run at once.
    """
    items = _listed(fn, inputs)
    done = await _gather(fn, items, limit, lambda done: any(o.state == "failed" for o in done))
    for outcome in done.values():
        if outcome.error is not None:
            raise outcome.error
    return [cast("R", done[index].value) for index in range(len(items))]


async def map_settled(
    fn: Callable[[T], Awaitable[R]],
    inputs: Iterable[T],
    *,
    limit: int | None = None,
    need: int | None = None,
    tolerate: int | None = None,
) -> list[Outcome[R]]:
    """Do as `map`, and return what became of each input instead of raising.

    Args:
        fn: What to call with one input.
        inputs: The inputs.
        limit: How many run at once; None lets all run at once.
        need: Stop as soon as so many have completed; the others are cancelled or skipped.
        tolerate: How many may fail; one more stops everything and raises `ApplicationError`.
    """
    items = _listed(fn, inputs)
    check_whole("map_settled", "tolerate", tolerate, least=0, optional=True)
    check_whole("map_settled", "need", need, least=0, optional=True)
    if need is not None and not 0 < need <= len(items):
        raise ArgumentError(
            f"map_settled(need={need}): expected 1 to {len(items)}, the number of inputs."
        )

    def settled(done: Sequence[Outcome[R]]) -> bool:
        failed = sum(outcome.state == "failed" for outcome in done)
        completed = sum(outcome.state == "completed" for outcome in done)
        return (need is not None and completed >= need) or (
            tolerate is not None and failed > tolerate
        )

    done = await _gather(fn, items, limit, settled)
    failed = [outcome for outcome in done.values() if outcome.state == "failed"]
    if tolerate is not None and len(failed) > tolerate:
        first = failed[0]
        raise ApplicationError(
            f"{len(failed)} of {len(items)} inputs failed and {tolerate} may; the first was input {first.index}: {first.error}"
        ) from first.error
    return [done.get(index, Outcome(index=index, state="skipped")) for index in range(len(items))]


def _listed(fn: object, inputs: Iterable[T]) -> list[T]:
    if not callable(fn):
        refuse("workflow.map", "fn", fn, "an activity, an async function or a workflow")
    if not isinstance(inputs, Iterable):
        refuse("workflow.map", "inputs", inputs, "a list of inputs, or anything else to go through")
    return list(inputs)


async def _gather(
    fn: Callable[[T], Awaitable[R]],
    items: list[T],
    limit: int | None,
    settled: Callable[[Sequence[Outcome[R]]], bool],
) -> dict[int, Outcome[R]]:
    """Return what became of the inputs that were tried, by index, in the order in which it happened."""
    required("workflow.map()")
    check_whole("workflow.map", "limit", limit, least=1, optional=True)
    outcomes: dict[int, Outcome[R]] = {}
    todo = iter(enumerate(items))

    async def serve() -> None:
        for index, item in todo:
            outcomes[index] = await _outcome(fn, index, item)
            if settled(list(outcomes.values())):
                return

    tasks = [asyncio.ensure_future(serve()) for _ in range(min(len(items), limit or len(items)))]
    try:
        running = set(tasks)
        while running and not settled(list(outcomes.values())):
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return outcomes


async def _outcome(fn: Callable[[T], Awaitable[R]], index: int, item: T) -> Outcome[R]:
    try:
        asked = run_child(fn, item) if isinstance(fn, Workflow) else fn(item)
        if not inspect.isawaitable(asked):
            refuse("workflow.map", "fn", fn, "an activity, an `async def` function or a workflow")
        value = await asked
    except Exception as error:
        if not required("workflow.map()").is_failure(error):
            raise
        return Outcome(index=index, state="failed", error=error)
    return Outcome(index=index, state="completed", value=value)
