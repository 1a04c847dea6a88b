"""The verb that starts a run from the recorded beginning of another."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, insert, select, update

from holdfast._store import compensations
from holdfast._store.attributes import publish, store_attributes
from holdfast._store.closing import forget_child, tell_if_ended, withdraw_approvals
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.reading import load_history
from holdfast._store.rows import lock_children, run_row
from holdfast._store.scheduling import insert_activity
from holdfast._store.sealing import moved
from holdfast._store.starting import known_run
from holdfast._store.tables import (
    accepted,
    activity,
    approval,
    child,
    command,
    compensation,
    inbound,
    message,
    patch_decision,
    run,
    vote,
    wait,
)
from holdfast.errors import RunExistsError, UsageError
from holdfast.history import (
    CLOSINGS,
    Answer,
    CancelCommand,
    CancelRequested,
    Command,
    PublishValue,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    RunStarted,
    ScheduleActivity,
    SetAttributes,
    SignalDiscarded,
    SignalReceived,
    StartChild,
    StartTimer,
    Turn,
    body_of,
)
from holdfast.runs import RunStatus, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Describe a fork: of which run, after which turn, and what it shares with the original."""

    id: str
    origin: str
    at: int
    new_keys: bool
    signals: bool

    @property
    def digest(self) -> str:
        """Return what tells the same request from another with the same id."""
        text = f"fork {self.origin} {self.at} {self.new_keys} {self.signals}"
        return hashlib.sha256(text.encode()).hexdigest()


def fork(tx: Tx, asked: Fork) -> None:
    """Copy a run up to and including a turn; what it left open there is open in the copy, too."""
    origin = run_row(tx, asked.origin)
    lock_children(
        tx, asked.origin
    )  # what they come to is copied with the original, or told to the fork
    known = known_run(tx, asked.id)
    if known is not None and known.request_digest == asked.digest:
        return
    if known is not None:
        raise RunExistsError(
            f"Run {asked.id!r} exists already, and it is not this fork. Choose another id, or leave id out."
        )
    turns = load_history(tx, asked.origin).turns
    _check(asked, origin, turns)
    copied, later = turns[: asked.at], turns[asked.at :]
    left = dict(_left_open(copied))
    _insert_run(tx, asked, origin, copied)
    _copy_records(tx, asked, copied, left)
    for at, item in left.values():
        _reopen(tx, asked, origin.queue, at, item)
    _undone_until(tx, asked, copied, left)
    _show_values(tx, asked.id, copied)
    _append_later(tx, asked, later, left)


def _check(asked: Fork, origin: Any, turns: tuple[Turn, ...]) -> None:
    where = f"Run {asked.origin} has {origin.done_turn} applied turns"
    if origin.done_turn < asked.at <= len(turns):
        raise UsageError(
            f"{where}; the event of turn {asked.at} has come and no worker has applied it yet, so there is nothing "
            f"to copy of it. Fork at {origin.done_turn} or before."
        )
    if not 1 <= asked.at <= origin.done_turn:
        raise UsageError(f"{where}; at={asked.at}: expected 1 to {origin.done_turn}.")
    if any(isinstance(item, CLOSINGS) for item in turns[asked.at - 1].commands or ()):
        raise UsageError(
            f"Turn {asked.at} ended run {asked.origin}, so a fork there would have ended, too. Fork at "
            f"{asked.at - 1} or before."
        )


def _left_open(turns: tuple[Turn, ...]) -> Iterator[tuple[int, tuple[int, Command]]]:
    """Yield the commands that nothing has answered or taken back, each with its number and its time."""
    issued = [(turn.event.at, item) for turn in turns for item in turn.commands or ()]
    taken_back = {item.target for _, item in issued if isinstance(item, CancelCommand)}
    answers = Counter(turn.event.seq for turn in turns if isinstance(turn.event, Answer))
    answers.subtract(item.target for _, item in issued if isinstance(item, ReopenApproval))
    expired = {t.event.seq for t in turns if t.event.kind == "approval_expired"}  # type: ignore[union-attr]
    for at, item in issued:
        wanted = item.quorum if isinstance(item, RequestApproval) else 1
        open_child = isinstance(item, StartChild) and not answers[item.seq]
        gone = item.seq in taken_back and not open_child  # a child is asked to cancel, and awaited
        if not gone and item.seq not in expired and answers[item.seq] < wanted:
            yield item.seq, (at, item)


def _insert_run(tx: Tx, asked: Fork, origin: Any, copied: tuple[Turn, ...]) -> None:
    cancelled = any(isinstance(turn.event, CancelRequested) for turn in copied)
    lasts = origin.timeout_ms
    values = origin._asdict() | {
        "id": asked.id, "status": RunStatus.OPEN.value, "request_digest": asked.digest, "created_at": tx.now,
        "start_at": tx.now, "closed_at": None, "result": None, "inbound_count": asked.at,
        "event_at": copied[-1].event.at, "done_turn": asked.at,
        "task_state": TaskState.READY.value,  # a first claim proves that today's code fits, and finds what it waits for
        "task_visible_at": tx.now, "lease_owner": None, "lease_until": None, "lease_epoch": 0, "progress_epoch": 0,
        "progress_at": tx.now, "cancel_requested_at": tx.now if cancelled else None, "error_kind": None, "error": None,
        "error_signature": None, "error_code": None, "error_at": None, "failures": 0, "parent": None,
        "first_run": asked.id, "previous": None, "continued_to": None,
        "lineage": asked.id if asked.new_keys else origin.lineage, "forked_from": asked.origin, "forked_at": asked.at,
        "deadline_at": None if lasts is None else tx.now + lasts, "paused_at": None, "paused_by": None,
        "pause_reason": None, "ending": None, "ending_reason": None, "retries_used": 0,
        "schedule": None, "scheduled_for": None,  # the schedule counts on the original alone
    }  # fmt: skip
    tx.conn.execute(insert(run).values(**values))


def _copy_records(
    tx: Tx, asked: Fork, copied: tuple[Turn, ...], left: dict[int, tuple[int, Command]]
) -> None:
    seqs = [item.seq for turn in copied for item in turn.commands or ()]
    last = max(seqs, default=0)
    for table in (inbound, command, patch_decision, vote):
        _copy(tx, table, asked, table.c.turn <= asked.at)
    _copy(tx, accepted, asked)
    _copy(tx, approval, asked, approval.c.seq <= last)
    _copy(tx, compensation, asked, compensation.c.seq <= last)
    _copy(tx, child, asked, child.c.seq <= last)
    for item in (item for turn in copied for item in turn.commands or ()):
        if isinstance(item, StartChild) and item.seq not in left:
            forget_child(tx, asked.id, item.seq)
    done = set(seqs) - set(left)
    for row in tx.conn.execute(select(activity).where(activity.c.run_id == asked.origin)).all():
        if row.seq in done and row.closed_at is not None:
            tx.conn.execute(insert(activity).values(**moved(tx, activity, row, to=asked.id)))


def _copy(tx: Tx, table: Table, asked: Fork, *which: Any) -> None:
    rows = tx.conn.execute(select(table).where(table.c.run_id == asked.origin, *which)).all()
    copies = [moved(tx, table, row, to=asked.id) for row in rows]
    if copies:
        tx.conn.execute(insert(table), copies)


def _reopen(tx: Tx, asked: Fork, queue: str, at: int, item: Command) -> None:
    match item:
        case ScheduleActivity():
            insert_activity(
                tx, run_id=asked.id, seq=item.seq, name=item.name, args=item.args, options=item.options, queue=queue,
                site=item.site,
            )  # fmt: skip
        case RunCompensation():
            compensations.start(tx, asked.id, item.target, seq=item.seq, queue=queue)
        case StartTimer():
            _wait(tx, asked.id, item, kind="timer", opened_at=at, fire_at=at + item.ms)
        case RequestApproval():
            due_at = None if item.timeout_ms is None else at + item.timeout_ms
            if due_at is not None and due_at <= tx.now and item.timeout_ms is not None:
                due_at = tx.now + item.timeout_ms  # asked again, a person gets the time again
            _ask_again(tx, asked.id, item, due_at)
        case _:
            pass


def _wait(
    tx: Tx, run_id: str, item: StartTimer | RequestApproval, *, kind: str, opened_at: int, fire_at: int | None
) -> None:  # fmt: skip
    name = item.name if isinstance(item, RequestApproval) else ""
    tx.conn.execute(
        insert(wait).values(
            run_id=run_id, seq=item.seq, kind=kind, name=name, opened_at=opened_at, fire_at=fire_at, site=item.site,
        )
    )  # fmt: skip


def _ask_again(tx: Tx, run_id: str, item: RequestApproval, due_at: int | None) -> None:
    tx.conn.execute(
        update(approval)
        .where(approval.c.run_id == run_id, approval.c.seq == item.seq)
        .values(
            state="open", opened_at=tx.now, due_at=due_at, delivered_at=tx.now, decided_at=None, decided_by=None,
            comment=None, answer=None, refused=None,
        )
    )  # fmt: skip
    _wait(tx, run_id, item, kind="approval", opened_at=tx.now, fire_at=due_at)


def _undone_until(
    tx: Tx, asked: Fork, copied: tuple[Turn, ...], left: dict[int, tuple[int, Command]]
) -> None:
    """Set the state of compensations, and of approvals that were taken back, to what it was at the turn."""
    issued = [item for turn in copied for item in turn.commands or ()]
    failed = {t.event.seq for t in copied if t.event.kind == "activity_failed"}  # type: ignore[union-attr]
    tx.conn.execute(
        update(compensation)
        .where(compensation.c.run_id == asked.id)
        .values(state=compensations.REGISTERED)
    )
    for item in issued:
        if isinstance(item, RunCompensation) and item.seq in left:
            tx.conn.execute(
                update(compensation)
                .where(compensation.c.run_id == asked.id, compensation.c.seq == item.target)
                .values(state=compensations.RUNNING)
            )
        elif isinstance(item, RunCompensation):
            compensations.finish(tx, asked.id, item.target, failed=item.seq in failed)
        elif isinstance(item, CancelCommand):
            compensations.drop(tx, asked.id, item.target)
            if item.target not in left:
                withdraw_approvals(tx, asked.id, item.target)


def _show_values(tx: Tx, run_id: str, copied: tuple[Turn, ...]) -> None:
    for turn in copied:
        if isinstance(turn.event, RunStarted):
            store_attributes(tx, run_id, turn.event.attributes)
        for item in turn.commands or ():
            if isinstance(item, PublishValue):
                publish(tx, run_id, turn.event.turn, item.key, item.value)
            elif isinstance(item, SetAttributes):
                store_attributes(tx, run_id, item.attributes)


def _append_later(
    tx: Tx, asked: Fork, later: tuple[Turn, ...], left: dict[int, tuple[int, Command]]
) -> None:
    """Append what came after the turn and is no consequence of it: signals, and news of children that still run."""
    places = {turn: turn for turn in range(1, asked.at + 1)}
    told = set()
    for turn in later:
        event = turn.event
        seq = getattr(event, "seq", None)
        news = event.kind.startswith(("child_", "signal_de", "signal_re")) and seq in left
        discarded = isinstance(event, SignalDiscarded) and event.target in places
        if news or discarded or (isinstance(event, SignalReceived) and asked.signals):
            body = body_of(event)
            if isinstance(event, SignalDiscarded):
                body = {**body, "target": places[event.target]}
            added = append_event(tx, asked.id, event.kind, body)
            places[event.turn] = added or 0
            told.add(seq)
    for seq, (_, item) in left.items():
        if isinstance(item, StartChild) and seq not in told:
            _tell_of_child(tx, asked.id, seq)
        elif isinstance(item, StartChild):
            forget_child(tx, asked.id, seq)
    _remember_messages(tx, asked, places)


def _tell_of_child(tx: Tx, run_id: str, seq: int) -> None:
    """Append the end of a child that ended when the original could not be told any more."""
    row = tx.conn.execute(
        select(run)
        .join(child, child.c.child == run.c.id)
        .where(child.c.run_id == run_id, child.c.seq == seq)
    ).first()
    if row is None or not tell_if_ended(tx, run_id, seq, row):
        _open_link(tx, run_id, seq)


def _open_link(tx: Tx, run_id: str, seq: int) -> None:
    tx.conn.execute(
        update(child).where(child.c.run_id == run_id, child.c.seq == seq).values(open=True)
    )


def _remember_messages(tx: Tx, asked: Fork, places: dict[int, int]) -> None:
    for row in tx.conn.execute(select(message).where(message.c.run_id == asked.origin)).all():
        if row.turn in places:
            values = row._asdict() | {
                "first_run": asked.id,
                "run_id": asked.id,
                "turn": places[row.turn],
            }
            tx.conn.execute(insert(message).values(**values))
