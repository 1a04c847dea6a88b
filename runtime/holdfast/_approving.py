"""Questions to people: what they are shown, who is told and when, and how several answers become one decision.

`holdfast.workflow` is their public name.
"""

import asyncio
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from holdfast._arguments import (
    check_duration,
    check_text,
    check_type,
    check_whole,
    checked_list,
)
from holdfast._core.execution import Execution, required
from holdfast._questions import digest_of
from holdfast.activity import Activity
from holdfast.clock import instant, milliseconds
from holdfast.codec import decode, describe_type, encode, schema_of
from holdfast.errors import ApprovalTimeoutError, ArgumentError, PayloadError
from holdfast.history import EscalateApproval, Json, RemindApproval, RequestApproval

T = TypeVar("T")
_NO_DEFAULT: Any = object()
_SHORTEST = timedelta(seconds=1)

Reason = Literal["opened", "reminder", "escalation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(Generic[T]):
    """Be the answer of one person; `saw` is the digest of the question as it was shown, empty when that is not known.

    A vote that `on_timeout` gave has no name in `by`.
    """

    answer: T
    by: str
    comment: str
    at: datetime
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Ask further people, `to`, when an approval has been open for `after`."""

    after: timedelta
    to: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalNotice:
    """Tell a `notify` activity whom to tell of what: `seq` and `run_id` make the address of the form."""

    run_id: str
    seq: int
    name: str
    ask: str
    to: list[str]
    due_at: datetime | None
    reason: Reason
    digest: str


async def approval(  # noqa: PLR0913 - the options of one question, all by name
    name: str,
    *,
    ask: str,
    to: list[str],
    answer: type[T],
    timeout: timedelta | None = None,  # noqa: ASYNC109 - a durable deadline, not one of this call
    on_timeout: T = _NO_DEFAULT,
    shows: Any = None,
    remind: timedelta | None = None,
    escalate: Escalation | Sequence[Escalation] = (),
    notify: Activity[[ApprovalNotice], Any] | None = None,
) -> T:
    """Wait until a person decides, and return the typed answer.

    Args:
        name: What histories and `holdfast approve` call this approval.
        ask: The question, as the person reads it.
        to: Who is asked: names of people or groups. Who answered is recorded; whether they may is for what asks them to judge.
        answer: The type of a valid answer; an answer is checked against it before it is recorded.
        timeout: How long to wait; None waits for ever.
        on_timeout: The answer when time is up; without one, `ApprovalTimeoutError` is raised.
        shows: What the question is about: any value that can be a payload. Inbox and form show it.
        remind: After how long the people are reminded, again and again until somebody decides.
        escalate: Whom to ask too, and after how long.
        notify: An activity that tells people: at the opening, with each reminder and with each escalation.
    """
    question = _Question(
        name=name, ask=ask, to=to, answer=answer, timeout=timeout, shows=shows, remind=remind, escalate=escalate,
        notify=notify, on_timeout=on_timeout,
    )  # fmt: skip
    asked: _Asked[T] = _Asked(required("workflow.approval()"), question)
    votes = await asked.votes(None)
    answered: T = votes[0].answer if votes else question.late(votes)
    return answered


async def approvals(  # noqa: PLR0913 - the options of one question, all by name
    name: str,
    *,
    ask: str,
    to: list[str],
    answer: type[T],
    quorum: int = 2,
    enough: Callable[[list[Vote[T]]], bool] | None = None,
    timeout: timedelta | None = None,  # noqa: ASYNC109 - a durable deadline, not one of this call
    on_timeout: T = _NO_DEFAULT,
    shows: Any = None,
    remind: timedelta | None = None,
    escalate: Escalation | Sequence[Escalation] = (),
    notify: Activity[[ApprovalNotice], Any] | None = None,
) -> list[Vote[T]]:
    """Wait until `quorum` different people have answered, and return their votes in the order in which they came.

    Args:
        name: What histories and `holdfast approve` call this approval.
        ask: The question, as the people read it.
        to: Who is asked: names of people or groups. Who answered is recorded; whether they may is for what asks them to judge.
        answer: The type of a valid answer; each answer is checked against it before it is recorded.
        quorum: How many different people must answer.
        enough: Asked after each vote: True ends the approval with the votes so far, at the first rejection for example.
        timeout: How long to wait; None waits for ever.
        on_timeout: The answer of those who have not given theirs when time is up; without one,
            `ApprovalTimeoutError` is raised.
        shows: What the question is about: any value that can be a payload. Inbox and form show it.
        remind: After how long the people are reminded, again and again until it is decided.
        escalate: Whom to ask too, and after how long.
        notify: An activity that tells people: at the opening, with each reminder and with each escalation.
    """
    question = _Question(
        name=name, ask=ask, to=to, answer=answer, timeout=timeout, shows=shows, remind=remind, escalate=escalate,
        notify=notify, on_timeout=on_timeout, quorum=quorum,
    )  # fmt: skip
    execution = required("workflow.approvals()")
    asked: _Asked[T] = _Asked(execution, question)
    votes = await asked.votes(enough)
    if asked.poll.expired:
        default: T = question.late(votes)
        at = instant(execution.now_ms)
        missing = asked.poll.wanted - len(votes)
        votes += [Vote(answer=default, by="", comment="", at=at, saw="") for _ in range(missing)]
    return votes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """Hold what was asked for, once it is known to make sense."""

    name: str
    ask: str
    to: Sequence[str]
    answer: Any
    timeout: timedelta | None
    shows: Any
    remind: timedelta | None
    escalate: Escalation | Sequence[Escalation]
    notify: Activity[[ApprovalNotice], Any] | None
    on_timeout: Any
    quorum: int = 1

    def __post_init__(self) -> None:
        what = f"Approval {self.name!r}"
        check_text("workflow.approval", "name", self.name)
        check_text(what, "ask", self.ask, what="the question as people read it")
        check_type(what, "answer", self.answer)
        check_duration(what, "timeout", self.timeout)
        check_duration(what, "remind", self.remind, least=_SHORTEST)
        check_whole(what, "quorum", self.quorum, least=1, of="a number of people")
        if self.notify is not None and not isinstance(self.notify, Activity):
            raise ArgumentError(
                f"{what}: notify={self.notify!r}; expected an activity that takes a workflow.ApprovalNotice."
            )
        _check_names(what, "to", self.to)
        steps = [self.escalate] if isinstance(self.escalate, Escalation) else self.escalate
        expected = "workflow.Escalation(after=…, to=[…])"
        for step in checked_list(what, "escalate", steps, Escalation, expected):
            check_duration(f"{what}: Escalation", "after", step.after, optional=False)
            _check_names(what, "Escalation.to", step.to)
            if not step.to:
                raise ArgumentError(f"{what}: an Escalation names nobody; give it people in `to`.")

    @property
    def escalations(self) -> tuple[Escalation, ...]:
        """Return the escalations, however many were given."""
        return (self.escalate,) if isinstance(self.escalate, Escalation) else tuple(self.escalate)

    def command(self, execution: Execution) -> Callable[[int, str], RequestApproval]:
        """Return what makes the command, with everything that can go wrong behind it."""
        shows = (
            None
            if self.shows is None
            else execution.encoding.limited(
                encode, self.shows, Any, what=f"What approval {self.name!r} shows", loose=True
            )
        )
        timeout_ms = None if self.timeout is None else milliseconds(self.timeout)
        schema = schema_of(self.answer)
        self._check_default()

        def make(seq: int, site: str) -> RequestApproval:
            return RequestApproval(
                seq=seq, site=site, name=self.name, ask=self.ask, to=list(self.to), schema=schema,
                timeout_ms=timeout_ms, shows=shows, quorum=self.quorum,
            )  # fmt: skip

        return make

    def _check_default(self) -> None:
        """Refuse an `on_timeout` that nobody could answer, when the question is asked and not when time is up."""
        if self.on_timeout is _NO_DEFAULT:
            return
        try:
            encode(self.on_timeout, self.answer, what="on_timeout")
        except PayloadError as error:
            raise ArgumentError(
                f"Approval {self.name!r}: on_timeout={self.on_timeout!r} is no answer of the type "
                f"{describe_type(self.answer)}: {error.message}"
            ) from error

    def late(self, votes: Sequence[object]) -> Any:
        """Return the answer of those who gave none in time, or raise."""
        if self.on_timeout is not _NO_DEFAULT:
            return self.on_timeout
        who = (
            "Nobody decided"
            if self.quorum == 1
            else f"{len(votes)} of {self.quorum} people decided"
        )
        raise ApprovalTimeoutError(
            f"{who} {self.name!r} within {self.timeout}.", approval=self.name
        )


def _check_names(what: str, where: str, names: Any) -> None:
    if (
        isinstance(names, str)
        or not isinstance(names, Iterable)
        or not all(isinstance(name, str) for name in names)
    ):
        raise ArgumentError(f"{what}: {where}={names!r}; expected a list of names.")


@dataclass(slots=True)
class _Notices:
    """Tell people through the `notify` activity; what becomes of that does not touch the approval."""

    execution: Execution
    question: _Question
    asked: RequestApproval
    due_at: datetime | None
    _sent: set[int] = field(default_factory=set)

    def send(self, reason: Reason, to: Sequence[str]) -> None:
        """Schedule the activity."""
        notify = self.question.notify
        if notify is None:
            return
        notice = ApprovalNotice(
            run_id=self.execution.facts.run_id, seq=self.asked.seq, name=self.asked.name, ask=self.asked.ask,
            to=list(to), due_at=self.due_at, reason=reason, digest=digest_of(self.asked),
        )  # fmt: skip
        args = self.execution.encoding.args(notify.definition.signature, (notice,), {})
        options: dict[str, Json] = {
            **notify.definition.options.to_json(),
            "notifies": self.asked.seq,
        }
        seq, future = self.execution.schedule_activity(
            notify.definition, args, options, self.asked.site
        )
        self._sent.add(seq)
        future.add_done_callback(lambda done: self._told(seq, done))

    def _told(self, seq: int, done: asyncio.Future[Any]) -> None:
        self._sent.discard(seq)
        if not done.cancelled():
            done.exception()  # its failure is in the history, and health tells of it

    def take_back(self) -> None:
        """Take back what has not been sent yet: there is nothing to answer any more."""
        for seq in sorted(self._sent):
            self.execution.take_back(seq)


class _Asked(Generic[T]):
    """Be one approval while it is open, with its timers, all started in the turn in which it opens."""

    def __init__(self, execution: Execution, question: _Question) -> None:
        self._execution = execution
        self._question = question
        self._command, self.poll = execution.request_approval(
            question.command(execution),
            lambda tree: decode(tree, question.answer, what=f"The answer to {question.name}"),
        )
        due_at = (
            None
            if question.timeout is None
            else instant(execution.now_ms + milliseconds(question.timeout))
        )
        self._notices = _Notices(execution, question, self._command, due_at)
        self._to = list(question.to)
        self._timers: dict[int, asyncio.TimerHandle] = {}
        try:
            self._notices.send("opened", self._to)
            self._remind_later()
            for number, step in enumerate(question.escalations, 1):
                self._later(number, step.after, functools.partial(self._escalate, step))
        except Exception:
            self._end(withdraw=True)
            raise

    async def votes(self, enough: Callable[[list[Vote[T]]], bool] | None) -> list[Vote[T]]:
        """Wait for the votes; when somebody stops waiting, or `enough` came, the rest is taken back."""
        try:
            while not self.poll.complete:
                await self._execution.next_answer(self._command.seq)
                if enough is not None and enough(self._so_far()):
                    break
        except (asyncio.CancelledError, Exception):
            self._end(withdraw=True)
            raise
        self._end(withdraw=not self.poll.complete)
        return self._so_far()

    def _so_far(self) -> list[Vote[T]]:
        return [
            Vote(answer=answer, by=event.by, comment=event.comment, at=instant(event.at), saw=event.saw)
            for event, answer in self.poll.answers
        ]  # fmt: skip

    def _end(self, *, withdraw: bool) -> None:
        if withdraw:
            self._execution.take_back(self._command.seq)
        for timer in self._timers.values():
            timer.cancel()
        self._notices.take_back()

    # Timers

    def _remind_later(self) -> None:
        if self._question.remind is not None:
            self._later(0, self._question.remind, self._remind)

    def _remind(self) -> None:
        target = self._command.seq
        self._execution.issue(lambda seq, site: RemindApproval(seq=seq, site=site, target=target))
        self._notices.send("reminder", self._to)
        self._remind_later()

    def _escalate(self, step: Escalation) -> None:
        target = self._command.seq
        self._to = list(dict.fromkeys([*self._to, *step.to]))
        self._execution.issue(
            lambda seq, site: EscalateApproval(seq=seq, site=site, target=target, to=list(step.to))
        )
        self._notices.send("escalation", step.to)

    def _later(self, slot: int, after: timedelta, act: Callable[[], None]) -> None:
        # A handle and not a task: it is taken back at once, and before anything that comes after the approval.
        loop = asyncio.get_running_loop()
        self._timers[slot] = loop.call_later(after.total_seconds(), self._when_due, act)

    def _when_due(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - raised where the approval is awaited, instead of nowhere
            waiting = self._execution.next_answer(self._command.seq)
            waiting.set_exception(error)
