"""Verbs that only read: histories, evidence for health, lists."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row, and_, func, or_, select

from holdfast._arguments import check_run_id
from holdfast._store.attributes import has_attribute
from holdfast._store.database import Tx
from holdfast._store.fleet import patches_of, queues_of
from holdfast._store.ordering import by_number
from holdfast._store.places import is_past
from holdfast._store.queues import Holds
from holdfast._store.rows import archived_row, current_row, newest, run_row
from holdfast._store.tables import (
    activity,
    approval,
    child,
    command,
    drift,
    inbound,
    patch_decision,
    run,
    vote,
    wait,
    worker,
)
from holdfast.errors import SealedPayloadError, UnknownRunError
from holdfast.evidence import (
    ActivityEvidence,
    ApprovalEvidence,
    Hold,
    RunEvidence,
    WaitEvidence,
    WorkerEvidence,
)
from holdfast.history import (
    COMMANDS,
    EVENTS,
    Header,
    History,
    Json,
    PatchDecision,
    Turn,
    make_command,
    make_event,
)
from holdfast.payloads import from_bytes, why_sealed
from holdfast.runs import ActivityState, RunStatus


def resolve_run_id(tx: Tx, given: str) -> str:
    """Return the run id that `given` is, or is the only prefix of; raise `UnknownRunError` otherwise."""
    check_run_id(given)
    if tx.conn.execute(select(run.c.id).where(run.c.id == given)).first() is not None:
        return given
    if archived_row(tx, given) is not None:
        return given  # whatever is done with it says where it is
    found: list[str] = []
    if given:
        prefix = func.substr(run.c.id, 1, len(given)) == given
        found = list(
            tx.conn.execute(
                select(run.c.id).where(prefix).order_by(by_number(run.c.id)).limit(6)
            ).scalars()
        )
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownRunError(
            f"{given!r} is the beginning of several run ids: {', '.join(found[:5])}. Give more of it."
        )
    raise UnknownRunError(
        f"There is no run {given!r} in this database. `holdfast runs` lists them."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Hold how the last run of a chain has ended, with the decoded payload of its end; `status` may be open."""

    status: str
    workflow: str
    closing: Any


def outcome(tx: Tx, run_id: str) -> Ended:
    """Return how a run ended, or the last of those that continue it."""
    row = current_row(tx, run_id)
    closing = None if row.result is None else tx.unpack(row.result, "run.result", row.id)
    return Ended(status=row.status, workflow=row.workflow, closing=closing)


def children_of(tx: Tx, run_id: str) -> list[str]:
    """Return the runs that a run has started, or shares with the run that it is a fork of."""
    shared = select(child.c.child).where(child.c.run_id == run_id)
    rows = tx.conn.execute(
        select(run.c.id)
        .where(or_(run.c.parent == run_id, run.c.id.in_(shared)))
        .order_by(run.c.created_at, by_number(run.c.id))
    )
    return [row.id for row in rows]


def load_history(tx: Tx, run_id: str, *, lenient: bool = False) -> History:
    """Return everything that happened in a run, events not applied yet included.

    Raises `SealedPayloadError` for a record that cannot be read here; `lenient` puts a text in its place, for pages.
    """
    row = run_row(tx, run_id)
    by_turn: dict[int, list[Any]] = defaultdict(list)
    for c in tx.conn.execute(
        select(command).where(command.c.run_id == run_id).order_by(command.c.seq)
    ):
        known = COMMANDS.get(c.kind) if lenient else None
        body = _body(tx, c.body, "command.body", run_id, c.seq, known=known)
        named = {"name": c.name} if lenient and "name" in body else {}
        by_turn[c.turn].append(make_command(c.kind, seq=c.seq, site=c.site, body={**body, **named}))
    turns = []
    for e in tx.conn.execute(
        select(inbound).where(inbound.c.run_id == run_id).order_by(inbound.c.turn)
    ):
        known_event = EVENTS.get(e.kind) if lenient else None
        body = _body(tx, e.body, "inbound.body", run_id, e.turn, known=known_event)
        event = make_event(e.kind, turn=e.turn, at=e.at, body=body)
        commands = tuple(by_turn[e.turn]) if e.turn <= row.done_turn else None
        code = "" if commands is None else e.code or ""
        turns.append(Turn(event=event, commands=commands, code=code))
    header = Header(
        workflow=row.workflow, entry=row.entry, run=row.id, status=row.status, code=row.code, python=row.python,
        flags=row.flags, seed=row.seed, decisions=tuple(_decisions(tx, run_id)), children=_shared_children(tx, row),
    )  # fmt: skip
    return History(header=header, turns=tuple(turns))


def _shared_children(tx: Tx, row: Any) -> tuple[tuple[int, str], ...]:
    """Return the ids of the children that a fork has from its original, by command."""
    if row.forked_from is None:
        return ()
    query = select(child.c.seq, child.c.child).where(child.c.run_id == row.id)
    links = tx.conn.execute(query.order_by(child.c.seq)).all()
    return tuple((at.seq, at.child) for at in links if at.child != f"{row.id}.{at.seq}")


def _decisions(tx: Tx, run_id: str) -> Iterator[PatchDecision]:
    known = patch_decision.c
    query = select(known.patch, known.key, known.taken, known.turn).where(known.run_id == run_id)
    for row in tx.conn.execute(
        query.order_by(known.turn, by_number(known.patch), by_number(known.key))
    ):
        yield PatchDecision(
            patch=row.patch, key=row.key or None, taken=bool(row.taken), turn=row.turn
        )


def _body(
    tx: Tx, data: bytes, column: str, run_id: str, row: int, *, known: type[Any] | None
) -> Mapping[str, Any]:
    """Return the fields of a record; those of one of a `known` kind that is sealed are texts that say so."""
    try:
        body = tx.unpack(data, column, run_id, row)
    except SealedPayloadError as error:
        if known is None:
            raise
        return _sealed_body(known, why_sealed(error))
    if not isinstance(body, dict):
        raise TypeError("a row's body is not a JSON object: the database was edited by hand")
    return body


def _sealed_body(known: type[Any], text: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "int": 0, "list": [text], "dict": {}, "int | None": None, "str | None": None, "tuple": [text],
        "Failure": {"type": "Error", "message": text, "attempts": 1, "details": None},
    }  # fmt: skip
    return {
        field.name: shown.get(_kind_of(field.type), text)
        for field in fields(known)
        if field.name
        not in {"turn", "at", "seq" if "site" in known.__annotations__ else "", "site"}
    }


def _kind_of(declared: Any) -> str:
    name = getattr(declared, "__name__", None) or str(declared)
    return name.partition("[")[0]


def _shown_error(tx: Tx, r: Row[Any]) -> Any:
    error = tx.show(r.error, "run.error", r.id)
    return {"type": "Error", "message": error} if isinstance(error, str) else error


def _shown_closing(tx: Tx, r: Row[Any]) -> Any:
    """Return how a run ended; what is sealed keeps the shape that the status promises."""
    closing = tx.show(r.result, "run.result", r.id)
    if not isinstance(closing, str) or r.status == RunStatus.COMPLETED.value:
        return closing
    if r.status == RunStatus.FAILED.value:
        return {"type": "Error", "message": closing, "attempts": 1, "details": None}
    return {"reason": closing}


def _asked(tx: Tx, a: Row[Any]) -> tuple[str, ...]:
    asked = tx.show(a.asked, "approval.asked", a.run_id, a.seq)
    return (asked,) if isinstance(asked, str) else tuple(asked)


def list_evidence(  # noqa: PLR0913 - one query, each filter by name
    tx: Tx,
    *,
    open_only: bool,
    workflow: str | None,
    prefix: str,
    where: Mapping[str, Json],
    past: str | None,
    schedule: str | None,
    before: tuple[int, str] | None,
    limit: int,
) -> tuple[int, list[RunEvidence], list[WorkerEvidence]]:
    """Return the time, runs by creation with the newest first, and all workers that may matter to them."""
    query = select(run).order_by(run.c.created_at.desc(), by_number(run.c.id).desc()).limit(limit)
    if open_only:
        query = query.where(run.c.closed_at.is_(None))
    if workflow is not None:
        query = query.where(run.c.workflow == workflow)
    if prefix:
        query = query.where(func.substr(run.c.id, 1, len(prefix)) == prefix)
    for key, value in where.items():
        query = query.where(has_attribute(key, value))
    if past is not None:
        query = query.where(is_past(past))
    if schedule is not None:
        query = query.where(run.c.schedule == schedule)
    if before is not None:
        at, run_id = before
        query = query.where(
            or_(run.c.created_at < at, and_(run.c.created_at == at, by_number(run.c.id) < run_id))
        )
    rows = tx.conn.execute(query).all()
    return tx.now, _evidence(tx, rows), worker_evidence(tx)


def one_evidence(tx: Tx, run_id: str) -> tuple[int, RunEvidence, list[WorkerEvidence]]:
    """Return the time, one run's evidence, and all workers that may matter to it."""
    return tx.now, _evidence(tx, [run_row(tx, run_id)])[0], worker_evidence(tx)


def _evidence(tx: Tx, rows: Sequence[Row[Any]], depth: int = 0) -> list[RunEvidence]:
    ids = [row.id for row in rows if row.closed_at is None]
    activities = _grouped(tx, select(activity).where(activity.c.closed_at.is_(None)), activity, ids)
    waits = _grouped(tx, select(wait), wait, ids)
    approvals = _grouped(tx, select(approval).where(approval.c.state == "open"), approval, ids)
    sites = {(w.run_id, w.seq): w.site for group in waits.values() for w in group}
    children = _children(tx, waits, depth)
    holds = Holds(tx)
    asking = [a for group in approvals.values() for a in group]
    votes = votes_of(tx, {a.run_id for a in asking if a.quorum > 1})
    failed = _failed_notices(tx, {a.run_id for a in asking if a.delivered_at is None})
    return [
        RunEvidence(
            id=r.id, workflow=r.workflow, queue=r.queue, status=r.status, code=r.code, created_at=r.created_at,
            start_at=r.start_at, closed_at=r.closed_at, progress_at=r.progress_at, done_turn=r.done_turn,
            inbound_count=r.inbound_count, task_state=r.task_state, task_visible_at=r.task_visible_at,
            lease_owner=r.lease_owner, lease_until=r.lease_until, lease_epoch=r.lease_epoch,
            progress_epoch=r.progress_epoch, error_kind=r.error_kind,
            error=_shown_error(tx, r), error_code=r.error_code, error_at=r.error_at,
            failures=r.failures, closing=_shown_closing(tx, r),
            paused_at=r.paused_at, paused_by=r.paused_by,
            pause_reason=tx.show_text(r.pause_reason, "run.pause_reason", r.id), ending=r.ending,
            ending_reason=tx.show_text(r.ending_reason, "run.ending_reason", r.id), forked_from=r.forked_from, forked_at=r.forked_at,
            hold=_hold(holds.of_task(r)),
            activities=tuple(_activity(tx, a, _hold(holds.of_activity(a))) for a in activities[r.id]),
            waits=tuple(_wait(tx, w) for w in waits[r.id] if w.kind != "approval"),
            approvals=tuple(
                _approval(
                    tx, a, site=sites.get((a.run_id, a.seq), ""), votes=len(votes[a.run_id, a.seq]),
                    undelivered=failed.get((a.run_id, a.seq)),
                )
                for a in approvals[r.id]
            ),
            children={w.name: children[w.name] for w in waits[r.id] if w.kind == "child" and w.name in children},
        )
        for r in rows
    ]  # fmt: skip


def _children(
    tx: Tx, waits: Mapping[str, Sequence[Row[Any]]], depth: int
) -> dict[str, RunEvidence]:
    """Return the evidence of the children that runs wait for, their own children included."""
    names = sorted({w.name for group in waits.values() for w in group if w.kind == "child"})
    if depth >= _MAX_DEPTH or not names:
        return {}
    rows: list[Row[Any]] = []
    for start in range(0, len(names), _CHUNK):
        rows += tx.conn.execute(
            select(run).where(run.c.id.in_(names[start : start + _CHUNK]))
        ).all()
    latest = {row.id: newest(tx, row) for row in rows}
    found = {item.id: item for item in _evidence(tx, list(latest.values()), depth + 1)}
    return {name: found[row.id] for name, row in latest.items()}


_MAX_DEPTH = 20  # of runs that wait for one another
_CHUNK = 500  # bound parameters per statement


def _grouped(tx: Tx, query: Any, table: Any, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    groups: dict[str, list[Row[Any]]] = defaultdict(list)
    for start in range(0, len(ids), _CHUNK):
        part = query.where(table.c.run_id.in_(ids[start : start + _CHUNK])).order_by(
            table.c.run_id, table.c.seq
        )
        for row in tx.conn.execute(part):
            groups[row.run_id].append(row)
    return groups


def _hold(found: dict[str, Any] | None) -> Hold | None:
    return None if found is None else Hold(**found)


def _activity(tx: Tx, a: Row[Any], hold: Hold | None) -> ActivityEvidence:
    return ActivityEvidence(
        seq=a.seq, name=a.name, queue=a.queue, state=a.state, site=a.site, attempt=a.attempt,
        max_attempts=a.max_attempts, scheduled_at=a.scheduled_at, visible_at=a.visible_at, started_at=a.started_at,
        lease_owner=a.lease_owner, lease_until=a.lease_until, beat_at=a.beat_at,
        beat=tx.show(a.beat, "activity.beat", a.run_id, a.seq), error_type=a.error_type,
        error_message=tx.show_text(a.error_message, "activity.error_message", a.run_id, a.seq),
        error_at=a.error_at, same_error=a.same_error, same_error_since=a.same_error_since,
        effect=a.effect, probe=a.probe, hold=hold,
    )  # fmt: skip


def _wait(tx: Tx, w: Row[Any]) -> WaitEvidence:
    return WaitEvidence(
        seq=w.seq,
        kind=w.kind,
        name=tx.show_text(w.name, "wait.name", w.run_id, w.seq),
        opened_at=w.opened_at,
        fire_at=w.fire_at,
        due_at=w.due_at,
        site=w.site,
    )


def _approval(
    tx: Tx, a: Row[Any], *, site: str, votes: int, undelivered: str | None
) -> ApprovalEvidence:
    return ApprovalEvidence(
        seq=a.seq, name=a.name, ask=tx.show_text(a.ask, "approval.ask", a.run_id, a.seq), to=_asked(tx, a),
        opened_at=a.opened_at, due_at=a.due_at, delivered_at=a.delivered_at, site=site,
        refused=tx.show_text(a.refused, "approval.refused", a.run_id, a.seq), quorum=a.quorum, votes=votes,
        reminders=a.reminders, escalated_at=a.escalated_at, undelivered=undelivered,
    )  # fmt: skip


def _failed_notices(tx: Tx, run_ids: Iterable[str]) -> dict[tuple[str, int], str]:
    """Return why people were not told of an approval, by run and approval; the last failure counts."""
    query = select(activity).where(activity.c.state == ActivityState.FAILED.value)
    found: dict[tuple[str, int], str] = {}
    for group in _grouped(tx, query, activity, sorted(run_ids)).values():
        for a in group:
            target = from_bytes(a.options).get("notifies")
            if target is not None:
                message = tx.show_text(a.error_message, "activity.error_message", a.run_id, a.seq)
                error = f"{a.name} failed: {a.error_type}: {(message or '').rstrip('.')}"
                found[a.run_id, int(target)] = error
    return found


def worker_evidence(tx: Tx) -> list[WorkerEvidence]:
    """Return the workers that live, and the last ones that did."""
    rows = tx.conn.execute(select(worker).order_by(worker.c.seen_at.desc()).limit(200))
    return [
        WorkerEvidence(
            id=w.id, host=w.host, pid=w.pid, queues=queues_of(w), workflows=dict(from_bytes(w.workflows)),
            activities=frozenset(from_bytes(w.activities)), slots=w.slots, busy=w.busy, started_at=w.started_at,
            seen_at=w.seen_at, loop_seen_at=w.loop_seen_at, stack=w.stack, stopped_at=w.stopped_at,
            patches={name: tuple(ids) for name, ids in patches_of(w).items()},
            build=w.build or "", holdfast=w.holdfast or "", python=w.python or "",
        )
        for w in rows
    ]  # fmt: skip


def approvals_of(
    tx: Tx, *, run_id: str | None, open_only: bool, limit: int
) -> list[dict[str, Any]]:
    """Return approvals with the workflow of their run, the most urgent first; what is sealed is shown as such."""
    query = select(approval, run.c.workflow).join(run, run.c.id == approval.c.run_id)
    if run_id is not None:
        query = query.where(approval.c.run_id == run_id)
    if open_only:
        query = query.where(approval.c.state == "open")
    order = (
        approval.c.due_at.is_(None),
        approval.c.due_at,
        approval.c.opened_at,
        by_number(approval.c.run_id),
        approval.c.seq,
    )
    return [_opened(tx, row) for row in tx.conn.execute(query.order_by(*order).limit(limit)).all()]


def _opened(tx: Tx, a: Row[Any]) -> dict[str, Any]:
    schema = tx.show(a.schema, "approval.schema", a.run_id, a.seq)
    return dict(a._mapping) | {  # noqa: SLF001 - the documented way to a row's mapping
        "ask": tx.show_text(a.ask, "approval.ask", a.run_id, a.seq),
        "to": _asked(tx, a),
        "schema": {"description": schema} if isinstance(schema, str) else schema,
        "comment": tx.show_text(a.comment, "approval.comment", a.run_id, a.seq),
        "answer": tx.show(a.answer, "approval.answer", a.run_id, a.seq),
        "shows": tx.show(a.shows, "approval.shows", a.run_id, a.seq),
        "digest": tx.show_text(a.digest, "approval.digest", a.run_id, a.seq),
        "note": tx.show_text(a.refused, "approval.refused", a.run_id, a.seq),
    }


def votes_of(tx: Tx, run_ids: Iterable[str]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Return the votes on the approvals of some runs, by run and approval, in the order in which they came.

    What is sealed is shown as such.
    """
    found: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    ids = sorted(run_ids)
    for start in range(0, len(ids), _CHUNK):
        query = select(vote).where(vote.c.run_id.in_(ids[start : start + _CHUNK]))
        for row in tx.conn.execute(query.order_by(vote.c.run_id, vote.c.turn)):
            found[row.run_id, row.seq].append(
                {
                    "by": row.by,
                    "at": row.at,
                    "answer": tx.show(row.answer, "vote.answer", row.run_id, row.turn),
                    "comment": tx.show_text(row.comment, "vote.comment", row.run_id, row.turn),
                    "saw": tx.show_text(row.saw, "vote.saw", row.run_id, row.turn),
                }
            )
    return found


def now(tx: Tx) -> int:
    """Return the time by the database's clock, in milliseconds."""
    return tx.now


def attempts_of(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    """Return the activities of a run, ended ones included; what is sealed is shown as such."""
    query = select(activity).where(activity.c.run_id == run_id).order_by(activity.c.seq)
    return [
        dict(a._mapping)  # noqa: SLF001 - the documented way to a row's mapping
        | {
            "error_message": tx.show_text(a.error_message, "activity.error_message", run_id, a.seq),
            "heartbeat": tx.show(a.beat, "activity.beat", run_id, a.seq),
            "heartbeat_at": a.beat_at,
            "resolution": tx.show_text(a.resolution, "activity.resolution", run_id, a.seq),
        }
        for a in tx.conn.execute(query)
    ]


def drifts_of(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    """Return what differs in content between the record of a run and its code."""
    rows = tx.conn.execute(select(drift).where(drift.c.run_id == run_id).order_by(drift.c.seq))
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - the documented way to a row's mapping


def decisions_of(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    """Return which branch of each patch a run took."""
    rows = tx.conn.execute(select(patch_decision).where(patch_decision.c.run_id == run_id))
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - the documented way to a row's mapping


def same_fault(tx: Tx, signatures: Iterable[str]) -> dict[str, int]:
    """Return how many open runs stop at the same place, by signature."""
    query = (
        select(run.c.error_signature, func.count())
        .where(run.c.closed_at.is_(None), run.c.error_signature.in_(list(signatures)))
        .group_by(run.c.error_signature)
    )
    return {str(signature): int(count) for signature, count in tx.conn.execute(query)}
