"""Signals and updates: verbs that put messages into a run, and that read its replies."""

import hashlib
from typing import Any

from sqlalchemy import insert, select, update

from holdfast._store import accepting
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.rows import current_row
from holdfast._store.tables import message, run, update_request
from holdfast.errors import HoldfastError, MessageError, RunClosedError
from holdfast.history import (
    AnswerUpdate,
    Failure,
    Json,
    RefuseUpdate,
    SendSignal,
    canonical,
    failure_to_json,
)


def _refuse_ended(row: Any, what: str) -> None:
    if row.closed_at is not None or row.ending is not None:
        status = row.status if row.ending is None else f"being {row.ending}"
        raise RunClosedError(
            f"Run {row.id} is {status}, so it takes no {what}; nothing was changed."
        )


def send_signal(tx: Tx, run_id: str, name: str, payload: Json, message_id: str) -> bool:
    """Put a signal into a run; False when the message is there already."""
    row = current_row(tx, run_id)
    chain = row.first_run
    digests = _digests(tx, name, payload)
    known = tx.conn.execute(
        select(message.c.digest).where(
            message.c.first_run == chain, message.c.message == message_id
        )
    ).scalar()
    if known is not None:
        _same(known, digests, f"Message {message_id!r}", run_id)
        return False
    _refuse_ended(row, "signals")
    accepting.refuse_misfit(tx, row.id, "signal", name, payload)
    turn = append_event(
        tx, row.id, "signal_received", {"name": name, "payload": payload, "message": message_id}
    )
    tx.conn.execute(
        insert(message).values(
            first_run=chain,
            message=message_id,
            run_id=row.id,
            turn=turn,
            digest=digests[0],
            at=tx.now,
        )
    )
    return True


def _digests(tx: Tx, name: str, payload: Json) -> list[str]:
    """Return the form in which the digest of a message is stored now, and those in which it may have been."""
    digest = hashlib.sha256(canonical([name, payload]).encode()).hexdigest()
    return [tx.chain.veil(digest), *tx.chain.veils(digest)]


def _same(known: str, digests: list[str], what: str, run_id: str) -> None:
    if known not in digests:
        raise MessageError(
            f"{what} has come to run {run_id} before, with other content; nothing was changed. "
            "Use the same id only to send the same message again."
        )


def deliver(tx: Tx, run_id: str, command: SendSignal) -> None:
    """Carry out the command of a run to send a signal, and tell it what came of that."""
    lineage = tx.conn.execute(select(run.c.lineage).where(run.c.id == run_id)).scalar_one()
    try:
        send_signal(tx, command.target, command.name, command.payload, f"{lineage}/{command.seq}")
    except HoldfastError as error:
        failure = failure_to_json(Failure(type=type(error).__name__, message=error.message))
        append_event(tx, run_id, "signal_refused", {"seq": command.seq, "failure": failure})
    else:
        append_event(tx, run_id, "signal_delivered", {"seq": command.seq})


def request_update(tx: Tx, run_id: str, name: str, payload: Json, update_id: str) -> None:
    """Ask a run for a reply; asking again with the same id asks once."""
    row = current_row(tx, run_id)
    chain = row.first_run
    digests = _digests(tx, name, payload)
    known = tx.conn.execute(
        select(update_request.c.digest).where(
            update_request.c.first_run == chain, update_request.c.update == update_id
        )
    ).scalar()
    if known is not None:
        _same(known, digests, f"Update {update_id!r}", run_id)
        return
    _refuse_ended(row, "updates")
    accepting.refuse_misfit(tx, row.id, "update", name, payload)
    append_event(
        tx, row.id, "update_requested", {"name": name, "payload": payload, "update": update_id}
    )
    tx.conn.execute(
        insert(update_request).values(
            first_run=chain,
            update=update_id,
            run_id=row.id,
            name=name,
            state="requested",
            digest=digests[0],
            requested_at=tx.now,
        )
    )


def reply_of(tx: Tx, run_id: str, update_id: str) -> tuple[str, Json]:
    """Return the state of an update and its reply: requested, answered, or refused with a failure."""
    chain = current_row(tx, run_id).first_run
    row = tx.conn.execute(
        select(update_request).where(
            update_request.c.first_run == chain, update_request.c.update == update_id
        )
    ).one()
    if row.reply is None:
        return row.state, None
    return row.state, tx.unpack(row.reply, "update_request.reply", chain, update_id)


def answer_update(tx: Tx, run_id: str, command: AnswerUpdate | RefuseUpdate) -> None:
    """Record the reply of a run to an update."""
    state, reply = (
        ("answered", command.reply)
        if isinstance(command, AnswerUpdate)
        else ("refused", failure_to_json(command.failure))
    )
    chain = tx.conn.execute(select(run.c.first_run).where(run.c.id == run_id)).scalar_one()
    packed = tx.pack(reply, "update_request.reply", chain, command.update)
    tx.conn.execute(
        update(update_request)
        .where(update_request.c.run_id == run_id, update_request.c.update == command.update)
        .values(state=state, answered_at=tx.now, reply=packed)
    )
