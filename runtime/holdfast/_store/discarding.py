"""The verb that takes one message out of the way of a run which cannot read it."""

from typing import Any

from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.rows import open_row
from holdfast._store.runs import retry
from holdfast.errors import UsageError


def discard_signal(tx: Tx, run_id: str, message: str, *, by: str, reason: str) -> None:
    """Record that a signal is not to be read, and let the run that it holds go on."""
    row = open_row(tx, run_id)
    error: Any = None if row.error is None else tx.unpack(row.error, "run.error", run_id)
    letter = error.get("letter") if isinstance(error, dict) else None
    if not isinstance(letter, dict) or letter["message"] != message:
        held = (
            f"it is held by {letter['message']!r}"
            if isinstance(letter, dict)
            else "no message holds it"
        )
        raise UsageError(
            f"Run {run_id} is not held by message {message!r}: {held}. Only a signal that its code cannot read can be "
            f"discarded; `holdfast why {run_id}` says what it waits for. Nothing was changed."
        )
    append_event(
        tx, run_id, "signal_discarded",
        {"target": letter["turn"], "name": letter["name"], "message": message, "by": by, "reason": reason},
    )  # fmt: skip
    retry(tx, run_id)
