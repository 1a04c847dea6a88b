"""Verbs of approvals: ask, remind, escalate, decide, ask again, withdraw."""

from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from holdfast._questions import checked_saw, digest_of, person
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.records import ActivityClaim, Ballot
from holdfast._store.rows import lock_run
from holdfast._store.tables import approval, vote, wait
from holdfast.errors import ApprovalError
from holdfast.history import (
    EscalateApproval,
    RemindApproval,
    ReopenApproval,
    RequestApproval,
    ScheduleActivity,
)

_OPEN = "open"


def apply(
    tx: Tx,
    run_id: str,
    turn: int,
    command: RequestApproval | RemindApproval | EscalateApproval | ReopenApproval,
    *,
    at: int,
) -> None:
    """Do what a command asks for; `at` is the time of the event of its turn."""
    match command:
        case RequestApproval():
            _ask(tx, run_id, command, at)
        case RemindApproval():
            _remind(tx, run_id, command)
        case EscalateApproval():
            _escalate(tx, run_id, command)
        case ReopenApproval():
            _ask_again(tx, run_id, turn, command)


def _ask(tx: Tx, run_id: str, command: RequestApproval, at: int) -> None:
    due_at = None if command.timeout_ms is None else at + command.timeout_ms
    tx.conn.execute(
        insert(approval).values(
            run_id=run_id, seq=command.seq, name=command.name, **_question(tx, run_id, command), state=_OPEN, opened_at=tx.now, due_at=due_at,
            delivered_at=tx.now,  # it stands in the inbox from this commit on
            quorum=command.quorum, reminders=0,
        )
    )  # fmt: skip
    _await_answer(tx, run_id, command.seq, command.name, due_at, command.site)


def _question(tx: Tx, run_id: str, command: RequestApproval) -> dict[str, Any]:
    seq, shows = command.seq, command.shows
    return {
        "ask": tx.pack_text(command.ask, "approval.ask", run_id, seq),
        "asked": tx.pack(list(command.to), "approval.asked", run_id, seq),
        "schema": tx.pack(command.schema, "approval.schema", run_id, seq),
        "shows": None if shows is None else tx.pack(shows, "approval.shows", run_id, seq),
        "digest": tx.pack_text(digest_of(command), "approval.digest", run_id, seq),
    }


def _await_answer(tx: Tx, run_id: str, seq: int, name: str, due_at: int | None, site: str) -> None:
    tx.conn.execute(
        insert(wait).values(
            run_id=run_id, seq=seq, kind="approval", name=name, opened_at=tx.now, fire_at=due_at, site=site
        )
    )  # fmt: skip


def _remind(tx: Tx, run_id: str, command: RemindApproval) -> None:
    tx.conn.execute(
        update(approval)
        .where(*_which(run_id, command.target))
        .values(reminders=approval.c.reminders + 1, reminded_at=tx.now)
    )


def _escalate(tx: Tx, run_id: str, command: EscalateApproval) -> None:
    which = _which(run_id, command.target)
    place = ("approval.asked", run_id, command.target)
    asked = tx.unpack(tx.conn.execute(select(approval.c.asked).where(*which)).scalar_one(), *place)
    everybody = tx.pack(list(dict.fromkeys([*asked, *command.to])), *place)
    tx.conn.execute(update(approval).where(*which).values(asked=everybody, escalated_at=tx.now))


def await_notice(tx: Tx, run_id: str, command: ScheduleActivity) -> None:
    """Count a question as delivered only when the activity that tells people of its opening has succeeded."""
    target = command.options.get("notifies")
    if target is None:
        return
    tx.conn.execute(
        update(approval)
        .where(
            approval.c.run_id == run_id,
            approval.c.seq == target,
            approval.c.reminders == 0,
            approval.c.escalated_at.is_(None),
        )
        .values(delivered_at=None)
    )


def note_delivery(tx: Tx, claim: ActivityClaim) -> None:
    """Note that people were told, when that is what the activity of this claim has done."""
    target = claim.options.get("notifies")
    if target is None:
        return
    tx.conn.execute(
        update(approval)
        .where(*_which(claim.run_id, int(target)), approval.c.delivered_at.is_(None))
        .values(delivered_at=tx.now)
    )


def find_approval(tx: Tx, run_id: str, name: str, seq: int | None) -> Any:
    """Return the row of an open approval, or raise `ApprovalError` saying what there is instead."""
    rows = tx.conn.execute(
        select(approval).where(approval.c.run_id == run_id).order_by(approval.c.seq.desc())
    ).all()
    named = [row for row in rows if row.name == name and (seq is None or row.seq == seq)]
    for row in named:
        if row.state == _OPEN:
            return row
    if named:
        raise ApprovalError(_already(run_id, named[0]))
    known = ", ".join(sorted({row.name for row in rows if row.state == _OPEN})) or "none"
    raise ApprovalError(f"Run {run_id} has no approval {name!r}; open approvals: {known}.")


def _already(run_id: str, row: Any) -> str:
    how = {
        "decided": f"was decided by {row.decided_by}",
        "expired": "ran out of time",
        "withdrawn": "was withdrawn: the run went on without it",
    }[row.state]
    return f"Approval {row.name!r} of run {run_id} {how} already; nothing was changed."


def decide(tx: Tx, run_id: str, name: str, ballot: Ballot, *, seq: int | None = None) -> int:
    """Record a vote and its event together, and return its turn; the last vote that is wanted closes the approval.

    Raises `ApprovalError` for an approval that is not open, a person who has voted, and a question that has changed.
    """
    lock_run(tx, run_id)  # whoever else decides at this moment waits here, and then sees this vote
    row = find_approval(tx, run_id, name, seq)
    what = f"Approval {name!r} of run {run_id}"
    digest = tx.unpack_text(row.digest, "approval.digest", run_id, row.seq)
    saw = checked_saw(ballot.saw, digest, what=what)
    before = votes_on(tx, run_id, row.seq)
    _refuse_second(what, ballot.by, before)
    event = {
        "seq": row.seq,
        "answer": ballot.answer,
        "by": ballot.by,
        "comment": ballot.comment,
        "saw": saw,
    }
    turn = append_event(tx, run_id, "approval_decided", event)
    if turn is None:
        raise ApprovalError(
            f"Run {run_id} has ended; its approval {name!r} can no longer be decided."
        )
    tx.conn.execute(
        insert(vote).values(
            run_id=run_id, seq=row.seq, by=ballot.by, at=tx.now, turn=turn,
            answer=tx.pack(ballot.answer, "vote.answer", run_id, turn),
            comment=tx.pack_text(ballot.comment, "vote.comment", run_id, turn),
            saw=tx.pack_text(saw, "vote.saw", run_id, turn),
        )
    )  # fmt: skip
    if len(before) + 1 >= row.quorum:
        _close(tx, run_id, row, ballot, [*(known.by for known in before), ballot.by])
    return turn


def _refuse_second(what: str, by: str, before: list[Any]) -> None:
    for known in before:
        if person(known.by) == person(by):
            raise ApprovalError(
                f"{what} has the answer of {known.by} already; it needs those of different people. Nothing was changed."
            )


def _close(tx: Tx, run_id: str, row: Any, ballot: Ballot, voters: list[str]) -> None:
    alone = row.quorum == 1
    tx.conn.execute(
        update(approval)
        .where(*_which(run_id, row.seq))
        .values(
            state="decided",
            decided_at=tx.now,
            decided_by=", ".join(voters),
            comment=tx.pack_text(ballot.comment, "approval.comment", run_id, row.seq)
            if alone
            else None,
            answer=tx.pack(ballot.answer, "approval.answer", run_id, row.seq) if alone else None,
        )
    )
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id, wait.c.seq == row.seq))


def votes_on(tx: Tx, run_id: str, seq: int) -> list[Any]:
    """Return the votes on an approval in the order in which they came."""
    query = select(vote).where(vote.c.run_id == run_id, vote.c.seq == seq).order_by(vote.c.turn)
    return list(tx.conn.execute(query).all())


def _ask_again(tx: Tx, run_id: str, turn: int, command: ReopenApproval) -> None:
    """Put the vote of a turn back to the person who gave it; the votes of others stay."""
    which = _which(run_id, command.target)
    row = tx.conn.execute(select(approval).where(*which)).one()
    own = (vote.c.run_id == run_id, vote.c.seq == command.target, vote.c.turn == turn)
    by = tx.conn.execute(select(vote.c.by).where(*own)).scalar() or row.decided_by
    tx.conn.execute(delete(vote).where(*own))
    refused = f"The answer of {by} was put back: {command.reason}"
    sealed = tx.pack_text(refused, "approval.refused", run_id, command.target)
    tx.conn.execute(update(approval).where(*which).values(refused=sealed))
    if row.state == "decided":  # one that is still open, or has run out of time, stays what it is
        tx.conn.execute(
            update(approval)
            .where(*which)
            .values(state=_OPEN, decided_at=None, decided_by=None, comment=None, answer=None)
        )
        _await_answer(tx, run_id, command.target, row.name, row.due_at, command.site)


def take_back(tx: Tx, run_id: str, turn: int, seq: int) -> None:
    """Withdraw the approval that command `seq` requested, because the run went on in `turn`.

    A vote that came after that event, and before the run could say so, has no effect: the row tells of it.
    """
    which = _which(run_id, seq)
    row = tx.conn.execute(select(approval).where(*which)).first()
    if row is None or row.state not in {_OPEN, "decided"}:
        return
    late = [known.by for known in votes_on(tx, run_id, seq) if known.turn > turn]
    note = f"The answer of {', '.join(late)} came too late: the run had gone on without it."
    sealed = tx.pack_text(note, "approval.refused", run_id, seq)
    tx.conn.execute(
        update(approval)
        .where(*which)
        .values(state="withdrawn", refused=sealed if late else approval.c.refused)
    )


def _which(run_id: str, seq: int) -> tuple[ColumnElement[bool], ...]:
    return approval.c.run_id == run_id, approval.c.seq == seq
