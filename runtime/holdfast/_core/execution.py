"""One run in memory: applies inbound events to workflow code and collects the commands that it issues."""

import asyncio
import random
import traceback
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import CoroutineType
from typing import Any

from holdfast._core.loop import TurnLoop
from holdfast._core.sites import call_site, site_of, site_of_function
from holdfast._registry import ActivityDefinition, WorkflowDefinition
from holdfast._signatures import Signature
from holdfast.errors import (
    ActivityError,
    ApplicationError,
    ApprovalTimeoutError,
    ArgumentError,
    ForbiddenCallError,
    HoldfastError,
    PayloadError,
    PayloadTooLargeError,
    WorkflowError,
)
from holdfast.history import (
    ActivityCompleted,
    ActivityFailed,
    ApprovalDecided,
    ApprovalExpired,
    CancelCommand,
    CancelRequested,
    CancelRun,
    Closing,
    Command,
    CompleteRun,
    Event,
    FailRun,
    Failure,
    Json,
    RecordPatch,
    ReopenApproval,
    RequestApproval,
    RunStarted,
    ScheduleActivity,
    StartTimer,
    TimerFired,
    canonical,
)

MAX_TIMER_MS = 200 * 31_536_000_000


class EvictedError(BaseException):
    """Stop clean-up code of an evicted run from asking for commands; user code must not catch it."""


class OrphanEventError(Exception):
    """Report an inbound event for a command that the code never issued."""


class WorkflowBugError(Exception):
    """Report an error of workflow code that is not a decision to fail the run; its cause is the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchDecision:
    """Record which branch of a patch a run took, and at which turn it asked first."""

    patch: str
    key: str | None
    taken: bool
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Hold what a run is given at its start."""

    run_id: str
    seed: str
    patches: frozenset[tuple[str, str | None]] = frozenset()
    reopened: frozenset[int] = frozenset()  # turns whose decision was put back to the person


@dataclass(slots=True)
class _Pending:
    command: Command
    future: asyncio.Future[Any]
    decode: Callable[[Json], Any]
    on_timeout: Callable[[], Any] | None = None


class Execution:
    """Hold the live state of one run; nothing in it is worth keeping, replay makes it again."""

    def __init__(self, definition: WorkflowDefinition, facts: RunFacts) -> None:
        self.definition = definition
        self.facts = facts
        self.random = random.Random(facts.seed)  # noqa: S311 - repeatable on purpose
        self.turn = 0
        self.commands: list[Command] = []
        self.decisions: list[PatchDecision] = []
        self.closed = False
        self.payload_limit: int | None = None
        self.signatures: dict[str, Signature] = {}
        self.skipped_seqs: frozenset[int] = frozenset()
        self._loop = TurnLoop(self)  # type: ignore[abstract]  # its refusals are added by a table
        self._main: asyncio.Task[Any] | None = None
        self._pending: dict[int, _Pending] = {}
        self._taken_back: set[int] = set()
        self._patched: dict[tuple[str, str | None], bool] = {}
        self._seq = 0
        self._live = False
        self._evicting = False
        self._cancel_requested = False
        self._bug: BaseException | None = None
        self._end_site = site_of_function(definition.fn)

    # Applying events

    def apply(self, event: Event, *, live: bool, guessed: bool = False) -> tuple[Command, ...]:
        """Apply one inbound event, run until nothing is ready, and return the commands of this turn.

        The result in a `guessed` event need not be of the declared type: it only lets the code run on.
        Raises `OrphanEventError`, `PayloadError` or `WorkflowBugError`; `commands` then holds what was issued before.
        """
        self.turn = event.turn
        self.commands = []
        self._live = live
        self._loop.now_ms = max(self._loop.now_ms, event.at)
        if guessed:
            for item in self._pending.values():
                item.decode = _as_it_is
        self._deliver(event)
        try:
            self._loop.drain()
        except (
            ForbiddenCallError,
            SystemExit,
        ) as error:  # a turn without end, or a task that calls sys.exit()
            self._bug = error
        if self._bug is not None:
            raise WorkflowBugError(text_of(self._bug)) from self._bug
        return tuple(self.commands)

    def _deliver(self, event: Event) -> None:
        match event:
            case RunStarted():
                args = self.definition.signature.decode_args(event.args)
                self._main = self._loop.create_task(self._run(args), name="main")
            case CancelRequested():
                self._cancel_requested = True
                if self._main is not None:
                    self._main.cancel(event.reason or "cancel requested")
            case _:
                self._answer(event)

    def _answer(
        self,
        event: ActivityCompleted | ActivityFailed | TimerFired | ApprovalDecided | ApprovalExpired,
    ) -> None:
        if event.seq in self._taken_back:
            return  # it crossed the command that took it back
        if isinstance(event, ApprovalDecided) and self._puts_back(event):
            return
        pending = self._pending.pop(event.seq, None)
        if pending is None:
            raise OrphanEventError(
                f"{event.kind} answers command #{event.seq}, which the code did not issue"
            )
        if isinstance(event, TimerFired):
            self._loop.fire_timer(event.seq)
        elif not pending.future.done():
            _settle(pending, event)

    def _puts_back(self, event: ApprovalDecided) -> bool:
        """Ask again when an answer does not decode: its schema cannot say all that its type does.

        Once recorded this stays so, whatever a later version of the type would say.
        """
        pending = self._pending.get(event.seq)
        if pending is None or not (self._live or event.turn in self.facts.reopened):
            return False
        reason = "recorded"
        if event.turn not in self.facts.reopened:
            try:
                pending.decode(event.answer)
            except PayloadError as error:
                reason = error.message
            else:
                return False
        command = ReopenApproval(
            seq=self._next_seq(), site=pending.command.site, target=event.seq, reason=reason
        )
        self.commands.append(command)
        return True

    async def _run(self, args: list[Any]) -> None:
        try:
            value = await self.definition.fn(*args)
            result = self.definition.signature.encode_result(value, limit=self._limit)
        except asyncio.CancelledError as error:
            if self._cancel_requested:
                self._close(CancelRun(seq=self._next_seq(), site=self._end_site))
            else:
                self._fail_or_break(error)
        except EvictedError:
            raise
        except BaseException as error:  # noqa: BLE001 - every way to end is recorded or reported by the worker
            self._fail_or_break(error)
        else:
            self._close(CompleteRun(seq=self._next_seq(), site=self._end_site, result=result))

    def _fail_or_break(self, error: BaseException) -> None:
        if self._evicting:
            return
        if _is_failure(error, (WorkflowError, *self.definition.fails_on)):
            failure = failure_of(error)
            self._close(FailRun(seq=self._next_seq(), site=self._end_site, failure=failure))
        else:
            self._bug = error
            self._loop.stop_draining()

    def _close(self, command: Closing) -> None:
        if not self._evicting:
            self.closed = True
            self.commands.append(command)
            self._loop.stop_draining()

    # What workflow code asks for

    def encode_args(
        self, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Json]:
        """Encode the arguments of a call; one that is too long stops the turn, even where code catches the error.

        So nothing beyond the limit is ever recorded, and replay need not know what the limit was.
        """
        self.signatures[signature.name] = signature
        try:
            return signature.encode_args(args, kwargs, limit=self._limit)
        except PayloadTooLargeError as error:
            self._bug = error
            self._loop.stop_draining()
            raise

    def complete(self, recorded: Command) -> Json:
        """Return the payload of a recorded command as today's types read it, or None where they cannot."""
        try:
            match recorded:
                case ScheduleActivity() if recorded.name in self.signatures:
                    return list(self.signatures[recorded.name].completed_args(recorded.args))
                case CompleteRun():
                    return self.definition.signature.completed_result(recorded.result)
        except HoldfastError:
            pass  # then what differs is shown without saying which of it are defaults
        return None

    @property
    def _limit(self) -> int | None:
        return self.payload_limit if self._live else None

    def _next_seq(self) -> int:
        if self._evicting:
            raise EvictedError
        self._seq += 1
        while self._seq in self.skipped_seqs:
            self._seq += 1
        return self._seq

    def schedule_activity(
        self, definition: ActivityDefinition, args: list[Json], options: dict[str, Json], site: str
    ) -> tuple[int, asyncio.Future[Any]]:
        """Ask for an activity; the future gives its decoded result or raises `ActivityError`."""
        seq = self._next_seq()
        command = ScheduleActivity(
            seq=seq,
            site=site or self._task_site(),
            name=definition.name,
            args=args,
            options=options,
        )
        return seq, self._expect(command, definition.signature.decode_result)

    def request_approval(
        self,
        command: Callable[[int, str], RequestApproval],
        decode: Callable[[Json], Any],
        on_timeout: Callable[[], Any],
    ) -> tuple[int, asyncio.Future[Any]]:
        """Ask people for a decision; `on_timeout` gives the value, or raises, when nobody answers."""
        made = command(self._next_seq(), call_site() or self._task_site())
        future = self._expect(made, decode)
        self._pending[made.seq].on_timeout = on_timeout
        return made.seq, future

    def _expect(self, command: Command, decode: Callable[[Json], Any]) -> asyncio.Future[Any]:
        self.commands.append(command)
        future = self._loop.create_future()
        self._pending[command.seq] = _Pending(command, future, decode)
        return future

    def take_back(self, seq: int) -> None:
        """Cancel a command whose answer nobody waits for any more; one already answered is left alone."""
        if self._evicting or self._pending.pop(seq, None) is None:
            return
        self._taken_back.add(seq)
        self.commands.append(
            CancelCommand(seq=self._next_seq(), site=call_site() or self._task_site(), target=seq)
        )

    def start_timer(self, ms: int) -> int:
        """Ask for a timer; called by the loop."""
        if ms > MAX_TIMER_MS:
            raise ArgumentError(
                f"A timer of {ms / 1000:g} s is longer than the limit of {MAX_TIMER_MS // 31_536_000_000} years."
            )
        seq = self._next_seq()
        _ = self._expect(
            StartTimer(seq=seq, site=call_site() or self._task_site(), ms=ms), lambda tree: tree
        )
        return seq

    def cancel_timer(self, seq: int) -> None:
        """Take a timer back; called by the loop."""
        self.take_back(seq)

    def patched(self, patch: str, key: str | None) -> bool:
        """Return which branch this run takes: the recorded one, the old one in recorded turns, else the new one."""
        taken = self._patched.get((patch, key))
        if taken is None:
            taken = (patch, key) in self.facts.patches or self._live
            self._patched[patch, key] = taken
            self.decisions.append(PatchDecision(patch=patch, key=key, taken=taken, turn=self.turn))
            if taken:
                site = call_site() or self._task_site()
                self.commands.append(
                    RecordPatch(seq=self._next_seq(), site=site, patch=patch, key=key)
                )
        return taken

    @property
    def now_ms(self) -> int:
        """Return the time of the inbound event that is being applied."""
        return self._loop.now_ms

    @property
    def is_live(self) -> bool:
        """Tell whether this turn happens for the first time."""
        return self._live and not self._evicting

    def uuid4(self) -> uuid.UUID:
        """Return a random UUID that replay returns again."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    # What it waits for

    def pending(self) -> list[Command]:
        """Return the commands that no event has answered, in order."""
        return [item.command for item in self._pending.values()]

    def parked_site(self) -> str:
        """Return the line at which the first unfinished task waits, for a wait that no command explains."""
        for task in self._loop.pending_tasks():
            site = _innermost(task.get_coro())
            if site:
                return site
        return ""

    def _task_site(self) -> str:
        task = asyncio.current_task(self._loop)
        return getattr(task, "site", "")

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Return what asyncio reported outside any await: for the worker's log."""
        return self._loop.problems

    def evict(self) -> bool:
        """Unwind every task without recording anything; False when code refused to unwind."""
        self._evicting = True
        return not self._loop.evict()


def _as_it_is(tree: Json) -> Any:
    return tree


def current() -> Execution | None:
    """Return the run whose turn is being applied, or None outside workflow code."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    port = getattr(loop, "_port", None)
    return port if isinstance(port, Execution) else None


def required(call: str) -> Execution:
    """Return the run whose turn is being applied, or raise naming the call that needs one."""
    execution = current()
    if execution is None:
        raise ForbiddenCallError(
            f"{call} works only inside a workflow. To run a workflow, start it: `await client.start(my_workflow, …)`."
        )
    return execution


def _settle(
    pending: _Pending, event: ActivityCompleted | ActivityFailed | ApprovalDecided | ApprovalExpired
) -> None:
    match event:
        case ActivityCompleted():
            pending.future.set_result(pending.decode(event.result))
        case ApprovalDecided():
            pending.future.set_result(pending.decode(event.answer))
        case ActivityFailed():
            pending.future.set_exception(_activity_error(pending.command, event.failure))
        case ApprovalExpired():
            try:
                pending.future.set_result(pending.on_timeout() if pending.on_timeout else None)
            except ApprovalTimeoutError as error:
                pending.future.set_exception(error)


def _activity_error(command: Command, failure: Failure) -> ActivityError:
    name = command.name if isinstance(command, ScheduleActivity) else ""
    tries = "once" if failure.attempts == 1 else f"{failure.attempts} times"
    return ActivityError(
        f"Activity {name} was tried {tries} and failed: {failure.type}: {failure.message}",
        activity=name,
        type=failure.type,
        attempts=failure.attempts,
        details=failure.details,
    )


def _is_failure(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_failure(part, kinds) for part in error.exceptions)
    return isinstance(error, kinds)


def failure_of(error: BaseException) -> Failure:
    """Return an error as data that can always be written."""
    if isinstance(error, ActivityError):
        return Failure(
            type="ActivityError",
            message=error.message,
            attempts=error.attempts,
            details=error.details,
        )
    details = error.details if isinstance(error, ApplicationError) else None
    try:
        canonical(details).encode()
    except (TypeError, ValueError):
        details = repr(details)
    return Failure(type=type(error).__name__, message=text_of(error), details=details)


def text_of(error: BaseException) -> str:
    """Return the message of an error, whatever its `__str__` does."""
    try:
        parts = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        text = "; ".join(str(part) for part in parts)
    except Exception as problem:  # noqa: BLE001 - then that is what there is to say
        text = f"(its message cannot be read: {type(problem).__name__})"
    return text.encode("utf-8", "backslashreplace").decode()


def trace_of(error: BaseException) -> str:
    """Return the end of the traceback of an error, whatever its `__str__` does."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as problem:  # noqa: BLE001 - an exception that cannot even be printed
        text = f"(its traceback cannot be printed: {type(problem).__name__})"
    return text[-8000:].encode("utf-8", "backslashreplace").decode()


def _innermost(coro: Any) -> str:
    site = ""
    while isinstance(coro, CoroutineType | Coroutine):
        frame = getattr(coro, "cr_frame", None)
        if frame is not None:
            site = site_of(frame) or site
        coro = getattr(coro, "cr_await", None)
    return site
