"""The event loop of one run: plain asyncio, no I/O, no clock, the same order every time.

Three rules make it deterministic. Callbacks run strictly first in, first out. Time stands still within a turn, and
a timer is a command that an inbound event answers. Tasks and futures hash by their number, because sets of them
(task groups, `asyncio.wait`) would otherwise be iterated in the order of memory addresses.
"""

import asyncio
import contextlib
import functools
import gc
import sys
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context
from types import AsyncGeneratorType
from typing import Any, NoReturn, Protocol

from holdfast._core.sites import call_site, innermost_site
from holdfast.errors import ForbiddenCallError

MAX_STEPS_PER_TURN = 1_000_000
_PRUNE_ABOVE = 256  # tasks that are remembered before those that have ended are forgotten


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


class TurnTask(asyncio.Task[Any]):
    """Be a task that hashes by the order of creation."""

    def __init__(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        loop: "TurnLoop",
        name: str | None,
        context: Context | None,
    ) -> None:
        self._number = loop.next_number()
        self.site = call_site()
        super().__init__(coro, loop=loop, name=name or f"task-{self._number}", context=context)

    def __hash__(self) -> int:
        return self._number


class TurnFuture(asyncio.Future[Any]):
    """Be a future that hashes by the order of creation."""

    def __init__(self, *, loop: "TurnLoop") -> None:
        self._number = loop.next_number()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class TurnLoop(asyncio.AbstractEventLoop):
    """Run the callbacks of one run until none is ready."""

    def __init__(self, port: TimerPort) -> None:
        self._port = port
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._timer_seqs: dict[
            int, int
        ] = {}  # id(handle) to command number, as long as the handle is in _timers
        self._tasks: list[TurnTask] = []
        self._generators: dict[int, weakref.ref[AsyncGenerator[Any, Any]]] = {}
        self._orphans: list[AsyncGenerator[Any, Any]] = []
        self._draining = False
        self._numbers = 0
        self._stopped = False
        self._closed = False
        self.now_ms = 0
        self.problems: list[dict[str, Any]] = []

    def next_number(self) -> int:
        """Return the next number for a task or future of this run."""
        self._numbers += 1
        return self._numbers

    # Driving

    def drain(self) -> None:
        """Run callbacks until none is ready or the run has ended."""
        outer = asyncio._get_running_loop()  # noqa: SLF001 - the documented hook for loop implementations
        hooks = sys.get_asyncgen_hooks()
        collecting = gc.isenabled()
        gc.disable()  # so that a dropped generator is finalised where its last reference goes, or not in this turn
        asyncio._set_running_loop(self)  # noqa: SLF001
        sys.set_asyncgen_hooks(firstiter=self._know_generator, finalizer=self._finish_generator)
        self._draining = True
        try:
            self._drain()
        finally:
            self._draining = False
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(outer)  # noqa: SLF001
            if collecting:
                gc.enable()

    def _drain(self) -> None:
        for _ in range(MAX_STEPS_PER_TURN):
            if self._stopped or not (self._ready or self._port.wake_conditions()):
                return
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - what every loop implementation calls
        raise ForbiddenCallError(
            f"Workflow code ran {MAX_STEPS_PER_TURN:,} steps without waiting for anything that is recorded. "
            "Look for a loop around `await asyncio.sleep(0)`.",
            rule="HF307",
        )

    def _know_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators[id(generator)] = weakref.ref(generator)

    def _finish_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.pop(id(generator), None)
        if self._draining:
            _ = self.create_task(_aclose(generator))
        else:
            self._orphans.append(
                generator
            )  # found by the garbage collector between turns: closed at eviction

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

    def evict(self) -> list[TurnTask]:
        """Cancel every task in order of creation and return those that would not end.

        The caller has closed the port before: commands asked for by clean-up code are refused.
        """
        self._stopped = False
        for _ in range(10):
            alive = [task for task in self._tasks if not task.done()]
            if not alive:
                break
            for task in alive:
                task.cancel()
            # Clean-up code may spin, or leave; it must not take the worker with it.
            with contextlib.suppress(ForbiddenCallError, SystemExit):
                self.drain()
        known = [reference() for reference in self._generators.values()]
        for generator in (*known, *self._orphans):
            self._close_generator(generator)
        self._generators.clear()
        self._orphans.clear()
        alive = [task for task in self._tasks if not task.done()]
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.exception()  # marks it as retrieved, else asyncio would log it
        self._ready.clear()
        self._timers.clear()
        self._timer_seqs.clear()
        self._tasks = alive
        self._closed = True
        return alive

    def _close_generator(self, generator: AsyncGenerator[Any, Any] | None) -> None:
        if (
            isinstance(generator, AsyncGeneratorType)
            and generator.ag_frame is not None
            and not generator.ag_running
        ):
            self._tasks.append(TurnTask(_aclose(generator), loop=self, name=None, context=None))
            with contextlib.suppress(ForbiddenCallError, SystemExit):
                self.drain()

    # What asyncio asks of a loop

    def call_soon(  # type: ignore[override]  # the stub ties args to the callback: no use here
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Queue a callback."""
        if type(callback).__name__ == "TaskStepMethWrapper":
            self._look_for_foreign_await(callback)
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _look_for_foreign_await(self, step: Callable[..., Any]) -> None:
        """Refuse what a task awaits when it belongs to another loop, or to no loop that asyncio knows.

        A task then queues a step that raises `RuntimeError` where it waits, and nothing else tells of it.
        """
        found = gc.get_referents(step)
        error = next((part for part in found if isinstance(part, RuntimeError)), None)
        if error is None:
            return
        task = next(part for part in found if isinstance(part, TurnTask))
        site = innermost_site(task.get_coro())
        place = f" ({site})" if site else ""
        refusal = ForbiddenCallError(
            f"{error}. A workflow waits only for activities, timers, approvals and its own tasks{place}. "
            "Move the work into an activity.",
            rule="HF303",
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
        """Start a durable timer that is due at loop time `when`."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        ms = round(when * 1000) - self.now_ms
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
        if kwargs.get("eager_start"):
            _refuse(self, "eager_start", "HF303")
        task = TurnTask(coro, loop=self, name=name, context=context)
        if len(self._tasks) > _PRUNE_ABOVE:
            self._tasks = self.pending_tasks()
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what went wrong outside any task's await for the worker to log."""
        self.problems.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Do as `call_exception_handler`."""
        self.problems.append(context)

    def get_debug(self) -> bool:
        """Return False: debug mode reads clocks."""
        return False

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

    def pending_tasks(self) -> list[TurnTask]:
        """Return the tasks that have not ended, in order of creation."""
        return [task for task in self._tasks if not task.done()]


async def _aclose(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()


def _refuse(loop: TurnLoop, call: str, rule: str) -> NoReturn:
    site = call_site()
    raise loop.refused(
        ForbiddenCallError(
            f"{call} cannot be replayed, so a workflow must not use it{f' ({site})' if site else ''}. "
            f"Move the work into an activity. Lint rule {rule} finds this before it runs.",
            rule=rule,
            site=site,
        )
    )


_FORBIDDEN = {
    "HF301": ("run_in_executor", "call_soon_threadsafe", "set_default_executor", "shutdown_default_executor"),
    "HF204": (
        "getaddrinfo", "getnameinfo", "create_connection", "create_server", "create_unix_connection",
        "create_unix_server", "create_datagram_endpoint", "sock_recv", "sock_recv_into", "sock_recvfrom",
        "sock_recvfrom_into", "sock_sendall", "sock_sendto", "sock_connect", "sock_accept", "sock_sendfile", "sendfile",
        "start_tls", "connect_accepted_socket",
    ),
    "HF302": ("subprocess_shell", "subprocess_exec", "connect_read_pipe", "connect_write_pipe"),
    "HF303": (
        "add_reader", "remove_reader", "add_writer", "remove_writer", "add_signal_handler", "remove_signal_handler",
        "set_task_factory", "set_exception_handler", "get_exception_handler", "run_forever", "run_until_complete",
        "stop", "close",
    ),
}  # fmt: skip


def _forbidden(call: str, rule: str) -> Callable[..., NoReturn]:
    def refuse(self: TurnLoop, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse(self, f"loop.{call}()", rule)

    refuse.__name__ = call
    return refuse


for _rule, _calls in _FORBIDDEN.items():
    for _call in _calls:
        setattr(TurnLoop, _call, _forbidden(_call, _rule))


def _ordered_as_completed(original: Callable[..., Any]) -> Callable[..., Any]:
    """Make tasks of coroutines in the order in which they are given, inside a workflow.

    asyncio puts the coroutines into a set, and a coroutine hashes by its address: their first steps, and so their
    commands, would come in another order on every replay.
    """

    @functools.wraps(original)
    def as_completed(fs: Any, *args: Any, **kwargs: Any) -> Any:
        loop = asyncio._get_running_loop()  # noqa: SLF001
        if isinstance(loop, TurnLoop):
            unique = {id(item): item for item in fs}
            fs = [asyncio.ensure_future(item, loop=loop) for item in unique.values()]
        return original(fs, *args, **kwargs)

    return as_completed


# There is no hook in asyncio for this: the function is replaced, and outside workflows it does what it always did.
asyncio.as_completed = asyncio.tasks.as_completed = _ordered_as_completed(asyncio.as_completed)
