"""The part of a client that ends, holds and continues runs. `holdfast.Client` is its public name."""

from typing import Any

from holdfast._arguments import check_kind, checked_by
from holdfast._store import ending, pausing, runs
from holdfast._store.database import Database


class Steering:
    """End, hold and continue the runs of a database."""

    database: Database

    async def cancel(self, run_id: str, *, reason: str = "") -> None:
        """Ask a run to cancel itself; its clean-up code runs."""
        check_kind("cancel", "reason", reason, str, "a str")
        await self.database.write(ending.request_cancel, run_id, reason)

    async def retry(self, run_id: str) -> None:
        """Let a blocked run be tried again at once, by the same code if need be.

        The same for a run that no worker takes any more because it seems to kill them, and for its activities.
        """
        await self.database.write(runs.retry, run_id)

    async def pause(self, run_id: str, *, by: str, reason: str = "") -> None:
        """Let nothing further of a run be done until it is resumed; attempts that are running end.

        Signals, decisions, timers and a request to cancel are recorded, and applied when the run is resumed.
        """
        checked_by(by, "pause")
        check_kind("pause", "reason", reason, str, "a str")
        await self.database.write(pausing.pause, run_id, reason=reason, by=by.strip())

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on."""
        await self.database.write(pausing.resume, run_id)

    async def terminate(self, run_id: str, *, reason: str = "", compensate: bool = True) -> None:
        """End a run; none of its code runs any more.

        The compensations that it has registered are carried out first, by any worker that knows their activities; with
        `compensate=False` they are dropped, also those of a run that is being ended already.
        """
        check_kind("terminate", "reason", reason, str, "a str")
        await self.database.write(ending.terminate, run_id, reason, compensate=compensate)


def not_undone(closing: Any) -> str:
    """Return a sentence about the compensations that failed or were left out as a run ended; empty without any."""
    undone = closing.get("compensations", ()) if isinstance(closing, dict) else ()
    failed = [item["name"] for item in undone if item["state"] != "completed"]
    return f" Not undone: {', '.join(failed)}." if failed else ""
