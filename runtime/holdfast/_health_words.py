"""The sentences and durations of health, and its verdicts on workers and on runs that have ended."""

from collections.abc import Mapping
from typing import Any

from holdfast._verdicts import CODES, Evidence, Item, Thresholds
from holdfast.evidence import ApprovalEvidence, RunEvidence, WorkerEvidence


def worker_state(worker: WorkerEvidence, now: int, *, limits: Thresholds | None = None) -> str:
    """Return whether a worker is live, blocked, lost or stopped."""
    limits = limits or Thresholds()
    if worker.stopped_at is not None:
        return "stopped"
    if worker.seen_at <= now - limits.worker_dead:
        return "lost"
    return "blocked" if worker.loop_seen_at < now - limits.loop_stale else "live"


def closed(run: RunEvidence) -> Item:
    """Judge a run that has ended."""
    ended = run.closed_at or 0
    failure = run.closing if run.status == "failed" and isinstance(run.closing, dict) else None
    why = f"{CODES[f'closed.{run.status}'].label} after {span(ended - run.created_at)}."
    if failure is not None:
        why = f"Failed: {failure.get('type')}: {failure.get('message')}"
    elif isinstance(run.closing, dict) and run.status in ENDINGS:
        why = (
            f"{why.removesuffix('.')}: {run.closing['reason']}."
            if run.closing.get("reason")
            else why
        )
        undone = run.closing.get("compensations") or ()
        why += "".join(f" {u['name']}: {u['state']}{_because(u)}." for u in undone)
    return Item(
        code=f"closed.{run.status}", seq=0, since=ended, why=why, next="Nothing: the run has ended.",
        evidence=(Evidence(table="run", key=run.id, columns={"status": run.status, "closed_at": ended}),),
    )  # fmt: skip


ENDINGS = {
    "terminated": "terminated",
    "cancelled": "cancelled",
    "timed_out": "ended: its time is up",
}


def sentence(error: Mapping[str, Any]) -> str:
    """Return the message of an error as a sentence."""
    return f"{str(error.get('message')).removesuffix('.')}."


def discard(run_id: str, error: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the command that discards the message which holds a run, if one does."""
    letter = error.get("letter")
    return (f"holdfast discard {run_id} {letter['message']} --by YOU",) if letter else ()


def _because(undone: dict[str, Any]) -> str:
    return f" ({undone['error']})" if undone.get("error") else ""


def difference(error: dict[str, Any]) -> str:
    """Say where code and history of a run part."""
    expected = next((line for line in error.get("expected", ()) if line["differs"]), None)
    got = next((line for line in error.get("got", ()) if line["differs"]), None)
    old = f"{expected['text']} at {expected['site']}" if expected else "nothing more"
    new = f"{got['text']} at {got['site']}" if got else "nothing more"
    return f"{error.get('code', 'ND')}: turn {error.get('turn')} records {old}; the code asks for {new}."


def when_due(approval: ApprovalEvidence, now: int) -> str:
    """Say what happens when nobody answers."""
    if approval.due_at is None:
        return "Nothing: it waits for an answer for ever."
    if approval.due_at < now:
        return "The timeout is applied as soon as a worker serves this database."
    return f"In {span(approval.due_at - now)} the timeout answers instead."


def workers_in_words(count: int) -> str:
    """Return a number of workers in words."""
    return f"{count or 'no'} worker{'' if count == 1 else 's'}"


def soon(milliseconds: int) -> str:
    """Return a short duration in words; one below a second in milliseconds."""
    return f"{milliseconds} ms" if 0 < milliseconds < _SECOND else span(milliseconds)


_SECOND = 1_000
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def span(milliseconds: int) -> str:
    """Return a duration in words: its largest unit and the next smaller one, rounded to it."""
    seconds = max(0, milliseconds) // 1000
    for index, (unit, size) in enumerate(_UNITS[:-1]):
        smaller, smaller_size = _UNITS[index + 1]
        rounded = round(seconds / smaller_size) * smaller_size
        if rounded >= size:
            count, rest = divmod(rounded, size)
            return f"{count} {unit}" + (f" {rest // smaller_size} {smaller}" if rest else "")
    return f"{seconds} s"
