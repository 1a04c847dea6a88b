"""The part of a client that ends, holds and continues runs. `holdfast.Client` is its public name."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from holdfast._arguments import check_kind, check_whole, checked_by
from holdfast._store import ending, pausing, resealing, runs
from holdfast._store.database import Database
from holdfast.errors import UsageError
from holdfast.payloads import KEYS_VARIABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Tell what a pass over the stored payloads found and changed.

    `keys` counts the payloads by the key under which they lie now, "" being plain; `unreadable` those whose key is not
    known here.
    """

    changed: int
    keys: dict[str, int]
    unreadable: dict[str, int]


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

    async def rotate_keys(self, *, batch: int = 200) -> Rotation:
        """Seal everything at rest under the newest key: what older keys have sealed, and what is plain.

        Workers may run meanwhile, once they have the new key, too. A pass that was broken off is simply made again.
        `batch` is how many rows one transaction takes.
        """
        check_whole("rotate_keys", "batch", batch, least=1)
        if self.database.chain.newest_key is None:
            raise UsageError(
                f"There is no key to seal payloads with. Set {KEYS_VARIABLE}, the newest key first; "
                "`holdfast keys new` makes one. Nothing was changed."
            )
        after: resealing.Cursor | None = None
        changed, keys, unreadable = 0, Counter[str](), Counter[str]()
        while True:
            done = await self.database.write(resealing.reseal, after, limit=batch)
            changed += done.changed
            keys += done.keys
            unreadable += done.unreadable
            after = done.after
            if after is None:
                return Rotation(changed=changed, keys=dict(keys), unreadable=dict(unreadable))

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
