"""One run in memory: applies inbound events to workflow code and collects the commands that it issues."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from typing import Any

from holdfast._core import standins as _standins  # noqa: F401 - it puts our constructs in asyncio's place
from holdfast._core.continuing import Continuation, continuation_in
from holdfast._core.encoding import Encoding
from holdfast._core.eviction import evict
from holdfast._core.facts import (
    EvictedError,
    OrphanEventError,
    RunFacts,
    UnreadableLetterError,
    WorkflowBugError,
    note_type,
)
from holdfast._core.failures import (
    failure_of,
    is_failure,
    text_of,
)
from holdfast._core.loop import TurnLoop
from holdfast._core.mailbox import Mailbox
from holdfast._core.parking import Conditions, Parking
from holdfast._core.pending import Pending, as_it_is, settle
from holdfast._core.polling import Poll
from holdfast._core.problems import problem_of_task, sentence
from holdfast._core.randomness import RunRandom
from holdfast._core.saga import Saga
from holdfast._core.sites import call_site, innermost_site, site_of_function
from holdfast._core.updates import Updates
from holdfast._registry import ActivityDefinition, WorkflowDefinition
from holdfast.errors import (
    ArgumentError,
    ForbiddenCallError,
    HistoryLimitError,
    PayloadError,
    WorkflowError,
)
from holdfast.history import (
    ActivityCompleted,
    Answer,
    ApprovalDecided,
    CancelCommand,
    CancelRequested,
    CancelRun,
    Closing,
    Command,
    CompleteRun,
    ContinueAsNew,
    Event,
    FailRun,
    Json,
    PatchDecision,
    RecordPatch,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    RunStarted,
    ScheduleActivity,
    SignalDiscarded,
    SignalReceived,
    StartTimer,
    TimerFired,
    UpdateRequested,
)

MAX_RECORDS = 50_000  # events and commands of one run
SUGGESTED_RECORDS = 10_000  # above this, a run does well to continue as new
MAX_TIMER_MS = 200 * 31_536_000_000
_MAX_REFUSALS = 1000  # of commands, to the clean-up code of one evicted run


class Execution:
    """Hold the live state of one run; nothing in it is worth keeping, replay makes it again."""

    def __init__(self, definition: WorkflowDefinition, facts: RunFacts) -> None:
        self.definition = definition
        self.facts = facts
        self.random = RunRandom(facts.seed)
        self.turn = 0
        self.commands: list[Command] = []
        self.decisions: list[PatchDecision] = []
        self.closed = False
        self.encoding = Encoding(definition.signature, self.stop_on, self.random)
        self.skipped_seqs: frozenset[int] = frozenset()
        self.unstable: set[int] = set()  # commands whose arguments may differ on replay
        self._loop = TurnLoop(self)  # type: ignore[abstract]  # its refusals are added by a table
        self._main: asyncio.Task[Any] | None = None
        self._pending: dict[int, Pending] = {}
        self._taken_back: set[int] = set()
        self._patched: dict[tuple[str, str | None], bool] = {}
        self._seq = 0
        self._live = False
        self._evicting = False
        self._cancel_requested = False
        self._bug: BaseException | None = None
        self._timer_site = ""  # of the timer that fired in this turn: for callbacks without a task
        self._undecodable: PayloadError | None = None
        self._records = 0
        self._started: RunStarted | None = None
        self.mailbox = Mailbox(self._loop.create_future, facts.discarded)
        self.accepts: dict[str, Any] = {}  # the types of the messages that it has asked for
        self.updates = Updates(self)
        self.parking = Parking()
        self.saga = Saga(self)
        self.conditions = Conditions(self._loop.create_future)
        self._loop.conditions = self.conditions.waiting
        self._refused: ForbiddenCallError | None = None
        self._end_site = site_of_function(definition.fn)
        self._refusals = 0
        self.problems: list[str] = []  # what live turns dropped, for the worker's log

    # Applying events

    def entered(self) -> contextlib.AbstractContextManager[None]:
        """Be the running loop of this thread, for several turns one after another."""
        return self._loop.entered()

    def apply(self, event: Event, *, live: bool, guessed: bool = False) -> tuple[Command, ...]:
        """Apply one inbound event, run until nothing is ready, and return the commands of this turn.

        The result in a `guessed` event need not be of the declared type: it only lets the code run on.
        Raises `OrphanEventError`, `PayloadError` or `WorkflowBugError`; `commands` then holds what was issued before.
        """
        self.turn = event.turn
        self._records += 1 + len(self.commands)
        self.commands = []
        if live and not self._live:
            _ = (
                self._collect_problems()
            )  # of recorded turns: they were told when those turns were live
        self._live = self.encoding.live = live
        loop = self._loop
        loop.now_ms = max(loop.now_ms, event.at)
        if guessed:
            for item in self._pending.values():
                item.decode = as_it_is
        try:
            # What is decoded on the way runs code of the payload's type: it is part of the turn.
            loop.drain(self._deliver, event)
        except PayloadError:
            self._bug = self._bug or self._refused  # it may be what became of a refused call
            if self._bug is None:
                raise
        except (ForbiddenCallError, SystemExit) as error:  # a turn without end, or sys.exit()
            self._bug = self._bug or error
        if live:
            self.problems += self._collect_problems()
        if self._undecodable is not None:
            raise self._undecodable
        if self._bug is not None:
            raise WorkflowBugError(text_of(self._bug)) from self._bug
        return tuple(self.commands)

    def _deliver(self, event: Event) -> None:
        if type(event) is ActivityCompleted:  # nearly always
            self._answer(event)
            return
        match event:
            case RunStarted():
                args = self.definition.signature.decode_args(event.args)
                self._started = event
                # In a context of its own: what the worker's process keeps in context variables is no input of the run.
                self._main = self._loop.create_task(self._run(args), name="main", context=Context())
            case CancelRequested():
                self._cancel_requested = True
                if self._main is not None:
                    self._main.cancel(event.reason or "cancel requested")
            case SignalReceived():
                self.mailbox.put(event)
            case SignalDiscarded():
                pass  # the mailbox knows it from the facts: the event came after what it is about
            case UpdateRequested():
                self.updates.put(event)
            case _:
                self._answer(event)

    def _answer(self, event: Answer) -> None:
        if event.seq in self._taken_back:
            return  # it crossed the command that took it back
        if isinstance(event, ApprovalDecided) and self._puts_back(event):
            return
        pending = self._pending.get(event.seq)
        if pending is None:
            raise OrphanEventError(
                f"{event.kind} answers command #{event.seq}, which the code did not issue"
            )
        if pending.poll is None or pending.poll.add(event, pending.decode):
            del self._pending[event.seq]
        if isinstance(event, TimerFired):
            self._timer_site = pending.command.site
            self._loop.fire_timer(event.seq)
        elif not pending.future.done():
            settle(pending, event, self.facts)

    def _puts_back(self, event: ApprovalDecided) -> bool:
        """Ask again when an answer does not decode: its schema cannot say all that its type does.

        Once recorded this stays so, whatever a later version of the type would say.
        """
        pending = self._pending.get(event.seq)
        if pending is None or not (self._live or event.turn in self.facts.reopened):
            return False
        reason: str | None = "recorded"
        if event.turn not in self.facts.reopened:
            reason = self.encoding.refusal(pending.decode, event.answer)
        if reason is None:
            return False
        command = ReopenApproval(
            seq=self._next_seq(), site=pending.command.site, target=event.seq, reason=reason
        )
        self.commands.append(command)
        return True

    async def _run(self, args: list[Any]) -> None:
        try:
            value = await self._outcome(args)
            if isinstance(value, Continuation):
                end: Closing = self._continue(value)
            else:
                result = self.encoding.limited(self.definition.signature.encode_result, value)
                end = CompleteRun(seq=self._closing_seq(), site=self._end_site, result=result)
        except asyncio.CancelledError as error:
            if self._cancel_requested:
                await self.saga.end()
                self._close(CancelRun(seq=self._closing_seq(), site=self._end_site))
            else:
                await self._fail_or_break(error)
        except EvictedError:
            raise
        except BaseException as error:  # noqa: BLE001 - every way to end is recorded or reported by the worker
            await self._fail_or_break(self._refused or error)
        else:
            self._close(end)

    async def _outcome(self, args: list[Any]) -> Any:
        """Return what the workflow function returns, or its request to continue, when its updates are answered."""
        try:
            value = await self.definition.fn(*args)
        except BaseException as error:
            value = continuation_in(error)
            if value is None:
                raise
        self._own_up()
        await self.updates.finish()
        return value

    def refuse_open_compensations(self) -> None:
        """Raise when there are steps that the next run of the chain could not undo."""
        names = self.saga.registered
        if names:
            raise ForbiddenCallError(
                f"workflow.continue_as_new() would lose the compensations of this run: {', '.join(names)}. Carry them "
                "out with workflow.roll_back(), or drop() those that are no longer needed, and continue then."
            )

    def _continue(self, request: Continuation) -> ContinueAsNew:
        self.refuse_open_compensations()  # again: an update may have registered one since
        kept: list[SignalReceived | UpdateRequested] = [
            *self.mailbox.unread(),
            *self.updates.unhandled(),
        ]
        return ContinueAsNew(
            seq=self._closing_seq(),
            site=request.site,
            workflow=request.definition.name,
            entry=request.definition.entry,
            args=request.args,
            carry=sorted(message.turn for message in kept),
        )

    async def _fail_or_break(self, error: BaseException) -> None:
        if self._evicting:
            return
        if self.is_failure(error):
            await self.saga.end()
            failure = self.saga.told_in(failure_of(error))
            self._close(FailRun(seq=self._closing_seq(), site=self._end_site, failure=failure))
        else:
            self.stop_on(error)

    def is_failure(self, error: BaseException) -> bool:
        """Tell whether an error is a decision to fail, and not a bug of the code."""
        return is_failure(error, (WorkflowError, TimeoutError, *self.definition.fails_on))

    def stop_on(self, error: BaseException) -> None:
        """Report a bug of workflow code: nothing of this turn is committed."""
        if not self._evicting:
            self._bug = self._bug or error
            self._loop.stop_draining()

    def _close(self, command: Closing) -> None:
        if not self._evicting and self._bug is None:
            self.closed = True
            self.commands.append(command)
            self._loop.stop_draining()

    # Calls that were refused

    @property
    def project(self) -> str:
        """Return the top package of the workflow's code."""
        return self.definition.fn.__module__.partition(".")[0]

    def refuse(self, error: ForbiddenCallError) -> None:
        """Remember a refused call, whatever the code makes of the error; called by the loop and the guard."""
        if self._evicting:
            return
        self._refused = self._refused or error
        if not self.is_failure(error):
            self.stop_on(error)

    def _own_up(self) -> None:
        """Raise the refused call that the code caught: what `fails_on` takes for a failure stays one."""
        if self._refused is not None:
            raise self._refused

    # What workflow code asks for

    def _next_seq(self) -> int:
        if self.conditions.asking:
            raise ForbiddenCallError(
                "The predicate of workflow.wait_until() may only look at what is there. Await what it needs before "
                "the call, and keep the result where the predicate sees it."
            )
        if self._records + len(self.commands) >= MAX_RECORDS and not self._evicting:
            raise HistoryLimitError(
                f"The history of this run has {self.history_size:,} events and commands, which is the limit. End it "
                "with workflow.continue_as_new() when workflow.info().continue_suggested is true."
            )
        return self._closing_seq()

    def _closing_seq(self) -> int:
        if self._evicting:
            self._refusals += 1
            if self._refusals <= _MAX_REFUSALS:
                raise EvictedError
            return 0  # code that catches even this, and asks again, waits for an answer that never comes
        self._seq += 1
        while self._seq in self.skipped_seqs:
            self._seq += 1
        return self._seq

    def schedule_activity(
        self,
        definition: ActivityDefinition,
        args: list[Json],
        options: Mapping[str, Json],
        site: str,
    ) -> tuple[int, asyncio.Future[Any]]:
        """Ask for an activity; the future gives its decoded result or raises `ActivityError`."""
        seq = self._next_seq()
        place = site or self._task_site()
        command = self._recorded_call(args, options, seq)
        if command is None or command.site != place:
            command = ScheduleActivity(
                seq=seq, site=place, name=definition.name, args=args, options=dict(options)
            )
        if definition.unstable_args:
            self.unstable.add(seq)
        return seq, self._expect(command, definition.signature.decode_result)

    def _recorded_call(
        self, args: list[Json], options: Mapping[str, Json], seq: int
    ) -> ScheduleActivity | None:
        """Return the recorded command that this call repeats in everything but perhaps its place, if there is one."""
        recorded, index = self.encoding.recorded, len(self.commands)
        known = recorded[index] if index < len(recorded) else None
        if (
            type(known) is ScheduleActivity
            and known.args is args  # found to be what the call was given
            and known.seq == seq
            and known.options == options
        ):
            return known
        return None

    def request_approval(
        self, command: Callable[[int, str], RequestApproval], decode: Callable[[Json], Any]
    ) -> tuple[RequestApproval, Poll]:
        """Ask people for a decision; `next_answer` waits for each."""
        made = command(self._next_seq(), call_site() or self._task_site())
        _ = self._expect(made, decode)
        poll = Poll(self.facts.quorums.get(made.seq, made.quorum))
        self._pending[made.seq].poll = poll
        return made, poll

    def next_answer(self, seq: int) -> asyncio.Future[Any]:
        """Return a future that is done when the open approval `seq` has another answer, or its time is up."""
        pending = self._pending[seq]
        if pending.future.done():
            pending.future = self._loop.create_future()
        return pending.future

    def issue(self, make: Callable[[int, str], Command]) -> int:
        """Issue a command that nothing answers, and return its number."""
        command = make(self._next_seq(), call_site() or self._task_site())
        self.commands.append(command)
        return command.seq

    def ask(
        self, make: Callable[[int, str], Command], decode: Callable[[Json], Any]
    ) -> tuple[int, asyncio.Future[Any]]:
        """Issue a command that an event answers; the future gives the decoded answer or raises."""
        command = make(self._next_seq(), call_site() or self._task_site())
        return command.seq, self._expect(command, decode)

    def _expect(self, command: Command, decode: Callable[[Json], Any]) -> asyncio.Future[Any]:
        self.commands.append(command)
        future = self._loop.create_future()
        self._pending[command.seq] = Pending(command, future, decode)
        return future

    def take_back(self, seq: int) -> None:
        """Cancel a command whose answer nobody waits for any more; one already answered is left alone."""
        if self._evicting or self._pending.pop(seq, None) is None:
            return
        self._taken_back.add(seq)
        self.commands.append(
            CancelCommand(
                seq=self._closing_seq(), site=call_site() or self._task_site(), target=seq
            )
        )

    def run_compensation(self, target: int, name: str) -> asyncio.Future[Any]:
        """Ask for a compensation to be carried out, even when the history is full; called by the saga."""
        site = call_site() or self._task_site()
        command = RunCompensation(seq=self._closing_seq(), site=site, target=target)
        future = self._expect(command, as_it_is)  # nobody reads what it returns
        self._pending[command.seq].name = name
        return future

    def other_tasks(self) -> list[asyncio.Task[Any]]:
        """Return the unfinished tasks but the current one, in order of creation."""
        running = asyncio.current_task(self._loop)
        return [task for task in self._loop.pending_tasks() if task is not running]

    @property
    def is_evicting(self) -> bool:
        """Tell whether the run is being unwound without a record."""
        return self._evicting

    def cancel_child(self, seq: int) -> None:
        """Ask a child to cancel itself and go on waiting for its end."""
        if not self._evicting and seq in self._pending:
            self.issue(lambda own, site: CancelCommand(seq=own, site=site, target=seq))

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
        """Return which branch this run takes: the recorded one, the old one in recorded turns, else the new one.

        The new one only if all code that may continue the run knows it.
        """
        taken = self._patched.get((patch, key))
        if taken is None:
            active = self.facts.active
            taken = (patch, key) in self.facts.patches or (
                self._live and (active is None or patch in active)
            )
            self._patched[patch, key] = taken
            self.decisions.append(PatchDecision(patch=patch, key=key, taken=taken, turn=self.turn))
            if taken:
                site = call_site() or self._task_site()
                self.commands.append(
                    RecordPatch(seq=self._next_seq(), site=site, patch=patch, key=key)
                )
        return taken

    # Messages and conditions

    def accept(self, kind: str, name: str, declared: Any) -> None:
        """Note that the code takes messages of a kind and name, as values of a type."""
        note_type(self.accepts, f"{kind} {name}", declared)

    async def receive(
        self, name: str, decode: Callable[[Json], Any], site: str, timeout_ms: int | None
    ) -> Any:
        """Wait for the next signal of a name and return its decoded payload."""
        letter = self.mailbox.take_now(name)
        if letter is None:
            since = self._loop.now_ms
            with self.parking.during("signal", name, site, since, timeout_ms):
                letter = await self.mailbox.take(name)
        return self.read_letter(letter, decode)

    def read_letter(self, letter: SignalReceived, decode: Callable[[Json], Any]) -> Any:
        """Decode a signal; one that does not decode blocks the run, so that it is not lost."""
        try:
            return decode(letter.payload)
        except PayloadError as error:
            what = f"Message {letter.message!r} of turn {letter.turn}: {error.message}"
            self._undecodable = UnreadableLetterError(what, letter=letter)
            self._loop.stop_draining()
            raise self._undecodable from error

    def wake_conditions(self) -> bool:
        """Wake the tasks whose condition holds now; called by the loop when nothing else is ready."""
        return not self._evicting and self.conditions.wake()

    def start_task(
        self, coroutine: Coroutine[Any, Any, None], name: str, site: str
    ) -> asyncio.Task[Any]:
        """Start a task of the run that belongs to a line of its code."""
        return self._loop.create_task_at(site, coroutine, name=name)

    @property
    def history_size(self) -> int:
        """Return how many events and commands the history holds by now."""
        return self._records + len(self.commands)

    def is_main(self) -> bool:
        """Tell whether the running task is the one of the workflow function itself."""
        return asyncio.current_task(self._loop) is self._main

    @property
    def started(self) -> RunStarted:
        """Return the event that started the run; there is one as soon as its code runs."""
        if self._started is None:
            raise OrphanEventError("an event came before the run was started")
        return self._started

    @property
    def now_ms(self) -> int:
        """Return the time of the inbound event that is being applied."""
        return self._loop.now_ms

    @property
    def is_live(self) -> bool:
        """Tell whether this turn happens for the first time."""
        return self._live and not self._evicting

    # What it waits for

    def pending(self) -> list[Command]:
        """Return the commands that no event has answered, in order."""
        return [item.command for item in self._pending.values()]

    def parked_site(self) -> str:
        """Return the line at which the first unfinished task waits, for a wait that no command explains."""
        for task in self._loop.pending_tasks():
            site = innermost_site(task.get_coro())
            if site:
                return site
        return ""

    def _task_site(self) -> str:
        task = asyncio.current_task(self._loop)
        site = self._timer_site if task is None else getattr(task, "site", "")
        return site or self._end_site  # an event has started the task, not a line of code

    def _collect_problems(self) -> list[str]:
        """Return, each once, what went wrong where no code can see it any more."""
        told = [sentence(context) for context in self._loop.problems]
        self._loop.problems.clear()
        failed = self._loop.dropped_failures(at_the_end=self.closed)
        return told + [sentence(problem_of_task(task)) for task in failed]

    def evict(self) -> bool:
        """Unwind every task without recording anything; False when code refused to unwind."""
        self._evicting = True
        return evict(self._loop) == 0


def current() -> Execution | None:
    """Return the run whose turn is being applied, or None outside workflow code."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 - None, and no exception, outside
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
