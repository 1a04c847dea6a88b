"""The event loop of one run: plain asyncio, no I/O, no clock, the same order every time.

Three rules make it deterministic. Callbacks run strictly first in, first out. Time stands still within a turn, and
a timer is a command that an inbound event answers. Tasks and futures hash by their number, because sets of them
(`asyncio.wait`) would otherwise be iterated in the order of memory addresses.

Timers that are due in the same millisecond fire in the order in which they were started, each in a turn of its own:
all that follows from the first happens before the second. In asyncio both callbacks run before any task that they
wake, and their order is not defined. So `wait_for(sleep(1), 1)` always times out here: the time limit was there first.
"""

import asyncio
import contextlib
import gc
import math
import sys
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sized
from contextvars import Context
from typing import Any, Protocol

from holdfast._core.facts import EvictedError
from holdfast._core.refusals import LOOP_CALLS, refuse, refuse_foreign, refusing
from holdfast._core.sites import call_site, innermost_site
from holdfast._core.tasks import TurnFuture, TurnTask
from holdfast.errors import ForbiddenCallError

MAX_STEPS_PER_TURN = 1_000_000
_PRUNE_ABOVE = 256  # tasks that are remembered before those that have ended are forgotten
_ONLY_HERE = (
    3  # references to a task that nothing holds but the loop: the list, the variable, the argument
)


class TimerPort(Protocol):
    """Say what the loop needs of the run it belongs to."""

    def start_timer(self, ms: int) -> int:
        """Issue a timer command and return its number."""
        ...

    def cancel_timer(self, seq: int) -> None:
        """Take a timer command back."""
        ...

    def wake_conditions(self) -> bool:
        """Make the tasks ready whose condition holds now; False when there is none."""
        ...

    def refuse(self, error: ForbiddenCallError) -> None:
        """Remember a call that was refused: workflow code may catch the error, and the turn is wrong all the same."""
        ...

    @property
    def project(self) -> str:
        """Return the top package of the code."""
        ...


class TurnLoop(asyncio.AbstractEventLoop):
    """Run the callbacks of one run until none is ready."""

    def __init__(self, port: TimerPort) -> None:
        self._port = port
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        # id(handle) to command number, as long as the handle is in _timers
        self._timer_seqs: dict[int, int] = {}
        self._cancels: list[TurnTask] = []
        self.numbers = 0
        self.conditions: Sized = ()  # that tasks wait for; only the run can ask them
        self._draining = False
        self._stopped = False
        self._closed = False
        self._prune_above = _PRUNE_ABOVE
        self.tasks: list[TurnTask] = []
        self.generators: dict[int, weakref.ref[AsyncGenerator[Any, Any]]] = {}
        self.orphans: list[AsyncGenerator[Any, Any]] = []
        self.problems: list[dict[str, Any]] = []
        self.now_ms = 0
        self.evicting = False

    # Driving

    def drain(self, deliver: Callable[..., None] | None = None, *args: Any) -> None:
        """Deliver what is new, and run callbacks until none is ready or the run has ended."""
        before = None if asyncio._get_running_loop() is self else self._enter()  # noqa: SLF001
        self._draining = True
        try:
            if deliver is not None:
                deliver(*args)
            self._drain(MAX_STEPS_PER_TURN)
        finally:
            self._draining = False
            if before is not None:
                self._leave(*before)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop of this thread, to call what only works on one."""
        with self.entered():
            self._draining = True
            try:
                yield
            finally:
                self._draining = False

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be the running loop of this thread, for several turns one after another."""
        before = self._enter()
        try:
            yield
        finally:
            self._leave(*before)

    def _enter(self) -> tuple[Any, Any, bool]:
        before = (
            asyncio._get_running_loop(),  # noqa: SLF001 - the documented hook for loop implementations
            sys.get_asyncgen_hooks(),
            gc.isenabled(),
        )
        gc.disable()  # so that a dropped generator is finalised where its last reference goes, or not in this turn
        asyncio._set_running_loop(self)  # noqa: SLF001
        sys.set_asyncgen_hooks(firstiter=self._know_generator, finalizer=self._finish_generator)
        return before

    def _leave(self, loop: Any, hooks: Any, collecting: bool) -> None:  # noqa: FBT001 - what `_enter` returned
        sys.set_asyncgen_hooks(*hooks)
        asyncio._set_running_loop(loop)  # noqa: SLF001
        if collecting:
            gc.enable()

    def _drain(self, steps: int) -> None:
        if self._cancels:
            self._carry_out_cancels()
        ready = self._ready
        for _ in range(steps):
            if self._stopped or not (ready or (self.conditions and self._wake_conditions())):
                return
            handle = ready.popleft()
            if not handle._cancelled:  # noqa: SLF001 - with `_run`, what every loop implementation uses
                handle._run()  # noqa: SLF001
                if self._cancels:
                    self._carry_out_cancels()
        raise ForbiddenCallError(
            f"Workflow code ran {steps:,} steps without waiting for anything that is recorded. "
            "Look for a loop around `await asyncio.sleep(0)`."
        )

    def _wake_conditions(self) -> bool:
        return not self.evicting and self._port.wake_conditions()

    def cancel_after_step(self, task: TurnTask) -> None:
        """Deliver a cancellation when the callback that runs now has returned."""
        self._cancels.append(task)

    def _carry_out_cancels(self) -> None:
        due, self._cancels = self._cancels, []
        for task in due:
            task.carry_out_cancel()

    def _know_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.generators[id(generator)] = weakref.ref(generator)

    def _finish_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.generators.pop(id(generator), None)
        if self._closed:
            return  # eviction could not close it: nothing of it may run any more, least of all on another thread
        if self._draining and not self.evicting:
            _ = self.create_task(aclose(generator))
        else:
            self.orphans.append(generator)  # found between turns: closed at eviction

    @property
    def project(self) -> str:
        """Return the top package of the workflow's code."""
        return self._port.project

    def refused(self, error: ForbiddenCallError) -> ForbiddenCallError:
        """Remember that a call was refused, and return the error to raise."""
        self._port.refuse(error)
        return error

    def stop_draining(self) -> None:
        """Let nothing more run in this turn: the run has ended."""
        self._stopped = True

    def fire_timer(self, seq: int) -> None:
        """Make the callback of a due timer ready; a timer taken back is ignored."""
        handle = self._timers.pop(seq, None)
        if handle is not None:
            del self._timer_seqs[id(handle)]
            self._ready.append(handle)

    # What eviction needs

    def unwind(self, steps: int) -> None:
        """Run what is ready, for a run that is evicted: clean-up code may spin, or leave; neither stops the worker."""
        self._stopped = False
        with contextlib.suppress(ForbiddenCallError, SystemExit, KeyboardInterrupt, EvictedError):
            self._drain(steps)

    def close_for_good(self) -> None:
        """Forget everything; what is called from now on is refused."""
        self._ready.clear()
        self._timers.clear()
        self._timer_seqs.clear()
        self._cancels.clear()
        self.generators.clear()
        self.orphans.clear()
        self.tasks = []
        self._closed = True

    # What asyncio asks of a loop

    def call_soon(  # type: ignore[override]  # the stub ties args to the callback: no use here
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Queue a callback."""
        owner = getattr(callback, "__self__", None)
        if type(owner) is not TurnTask and isinstance(owner, asyncio.Task):
            _refuse_task(owner)
        if type(callback).__name__ == "TaskStepMethWrapper":
            self._look_for_foreign_await(callback)
        handle = asyncio.Handle(callback, args, self, context)
        if not self._closed:
            self._ready.append(handle)
        return handle

    def _look_for_foreign_await(self, step: Callable[..., Any]) -> None:
        """Refuse what a task awaits when it belongs to another loop, or to no loop that asyncio knows.

        A task then queues a step that raises `RuntimeError` where it waits, and nothing else tells of it.
        """
        found = gc.get_referents(step)
        for error in found:
            if isinstance(error, RuntimeError):
                break
        else:
            return
        task = next(part for part in found if isinstance(part, TurnTask))
        site = innermost_site(task.get_coro())
        place = f" ({site})" if site else ""
        refusal = ForbiddenCallError(
            f"{error}. A workflow waits only for activities, timers, approvals and its own tasks{place}. "
            "Move the work into an activity.",
            rule="HF301",
            site=site,
        )
        self._port.refuse(refusal)

    def call_later(  # type: ignore[override]  # the stub ties args to the callback: no use here
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Start a durable timer, rounded to milliseconds; one that is already due is queued at once."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]  # the stub ties args to the callback: no use here
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Start a durable timer that is due at loop time `when`; one that is due never is no command."""
        if math.isnan(when):
            raise ValueError("Invalid delay: NaN (not a number)")
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if when == math.inf or self._closed:
            return handle
        ms = round(when * 1000) - self.now_ms if when > 0 else 0
        if ms <= 0:
            self._ready.append(handle)
            return handle
        seq = self._port.start_timer(ms)
        self._timers[seq] = handle
        self._timer_seqs[id(handle)] = seq
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        seq = self._timer_seqs.pop(id(handle), None)
        if seq is not None:
            del self._timers[seq]
            self._port.cancel_timer(seq)

    def time(self) -> float:
        """Return the time of the inbound event that is being applied, in seconds."""
        return self.now_ms / 1000

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        task = asyncio.current_task(self)
        if task is not None and type(task) is not TurnTask:
            _refuse_task(task)
        return TurnFuture(loop=self)

    def create_task(  # type: ignore[override]  # newer Pythons pass keywords that older stubs do not know
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
        **kwargs: Any,
    ) -> TurnTask:
        """Start a task; eager tasks are refused because they change the order of first steps."""
        if kwargs.get("eager_start") and not self.evicting:
            coro.close()
            refuse("create_task(…, eager_start=True)", "HF301")
        return self.create_task_at(call_site(), coro, name=name, context=context)

    def create_task_at(
        self,
        site: str,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> TurnTask:
        """Start a task that belongs to a line of user code."""
        if self.evicting:
            coro.close()
            raise EvictedError
        task = TurnTask(coro, loop=self, site=site, name=name, context=context)
        if len(self.tasks) > self._prune_above:
            self.tasks = [task for task in self.tasks if not task.done() or task.failed_unseen]
            self._prune_above = max(_PRUNE_ABOVE, 2 * len(self.tasks))
        self.tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what went wrong outside any task's await for the worker to log."""
        self.problems.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Do as `call_exception_handler`."""
        self.problems.append(context)

    # Debug mode reads clocks. asyncio asks for each future and handle, and `bool` answers False without a frame.
    get_debug = bool

    def set_debug(self, enabled: bool) -> None:  # noqa: FBT001 - asyncio's signature
        """Ignore the request: debug mode reads clocks."""

    def is_running(self) -> bool:
        """Tell whether a turn is being applied on this loop."""
        return asyncio._get_running_loop() is self  # noqa: SLF001

    def is_closed(self) -> bool:
        """Tell whether the run was evicted."""
        return self._closed

    def get_task_factory(self) -> None:
        """Return None: there is one kind of task."""

    async def shutdown_asyncgens(self) -> None:
        """Do nothing: eviction closes generators."""

    # Looking

    def pending_tasks(self) -> list[TurnTask]:
        """Return the tasks that have not ended, in order of creation."""
        return [task for task in self.tasks if not task.done()]

    def dropped_failures(self, *, at_the_end: bool) -> list[TurnTask]:
        """Return, each once, the failed tasks that nobody can look at any more: dropped, or the run has ended."""
        found = [
            task
            for task in self.tasks
            if task.failed_unseen and (at_the_end or sys.getrefcount(task) <= _ONLY_HERE)
        ]
        for task in found:
            task.hush()
        return found


async def aclose(generator: AsyncGenerator[Any, Any]) -> None:
    """Close a generator that was left in the middle."""
    await generator.aclose()


def _refuse_task(task: asyncio.Task[Any]) -> None:
    coro: Any = task.get_coro()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - it never becomes a task
    if coro is not None and not getattr(coro, "cr_running", False):
        coro.close()
    refuse_foreign(
        "A task made with asyncio.Task(…) or an eager task factory",
        "Make tasks with asyncio.create_task().",
    )


for _rule, _calls in LOOP_CALLS.items():
    for _call in _calls:
        setattr(TurnLoop, _call, refusing(_call, _rule))
