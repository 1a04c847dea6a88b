"""Signals, updates and queries from outside a run: a part of `Client`."""

import asyncio
import secrets
from datetime import timedelta
from typing import Any, TypeVar

from holdfast._arguments import NOTHING, check_duration, check_kind, check_text, checked_by
from holdfast._conversing import Signal, Update
from holdfast._store import attributes, discarding, messages
from holdfast._store.database import Database, Tx
from holdfast._store.rows import current_row
from holdfast.codec import decode, encode
from holdfast.errors import UnknownKeyError, UpdateRefusedError
from holdfast.history import Json

T = TypeVar("T")
U = TypeVar("U")
_POLL = 0.05


class Messaging:
    """Be the part of a client that talks with running workflows."""

    database: Database
    payload_limit: int

    async def signal(
        self, run_id: str, signal: Signal[T] | str, value: Any, *, message: str | None = None
    ) -> bool:
        """Send a message to a run, durably: once this returns, the run will get it.

        Args:
            run_id: The run; of a chain of runs that continue one another, the newest gets it.
            signal: What kind of message. With the `Signal` itself the value is checked before it is sent.
            value: The message; it must fit what the run is known to take, which its code or its start has told.
            message: Its id. A second message with the same id and content is not delivered again; one with other
                content raises `MessageError`. One is made when none is given.

        Returns:
            False when the run has had this message before.
        """
        check_kind("signal", "signal", signal, (Signal, str), "a workflow.Signal or its name")
        check_text("signal", "message", message, optional=True, what="the id of a message")
        name = signal if isinstance(signal, str) else signal.name
        payload = (
            encode(value, Any, what=f"Signal {name}", limit=self.payload_limit, loose=True)
            if isinstance(signal, str)
            else signal.encode(value, limit=self.payload_limit)
        )
        return await self.database.write(
            messages.send_signal, run_id, name, payload, message or secrets.token_hex(8)
        )

    async def discard_signal(self, run_id: str, message: str, *, by: str, reason: str = "") -> None:
        """Take a signal out of the way of a run that is held because its code cannot read it.

        The history keeps the signal, and who discarded it and why. Whoever sent it can send another, as it should be.

        Args:
            run_id: The run.
            message: The id of the message, as `holdfast why` shows it.
            by: Who decides.
            reason: Why, for the record.

        Raises:
            UsageError: The run is not held by this message.
        """
        checked_by(by, "discard_signal")
        check_text("discard_signal", "message", message, what="the id of a message")
        check_kind("discard_signal", "reason", reason, str, "a str")
        await self.database.write(
            discarding.discard_signal, run_id, message, by=by.strip(), reason=reason
        )

    async def update(
        self,
        run_id: str,
        update: Update[T, U],
        value: T,
        *,
        id: str | None = None,  # noqa: A002 - the field's word
        timeout: timedelta | None = None,  # noqa: ASYNC109 - the same word as everywhere else
    ) -> U:
        """Ask a run for a reply, and wait for it.

        Args:
            run_id: The run; of a chain of runs that continue one another, the newest is asked.
            update: What kind of request.
            value: The request.
            id: Its id. Asking again with the same id and content waits for the same reply. One is made when none is
                given.
            timeout: How long to wait. The request stays when time is up: ask again with the same id.

        Raises:
            UpdateRefusedError: The run refused, or ended before it replied.
            TimeoutError: Time was up.
        """
        check_kind("update", "update", update, Update, "a workflow.Update")
        check_text("update", "id", id, optional=True, what="the id of a request")
        check_duration("update", "timeout", timeout, least=NOTHING)
        update_id = id or secrets.token_hex(8)
        payload = update.encode(value, limit=self.payload_limit)
        await self.database.write(messages.request_update, run_id, update.name, payload, update_id)
        async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
            while True:
                state, reply = await self.database.read(messages.reply_of, run_id, update_id)
                if state == "answered":
                    return update.decode_reply(reply)
                if isinstance(reply, dict) and state == "refused":
                    text = f"Run {run_id} refused the update {update.name}: {reply['type']}: {reply['message']}"
                    raise UpdateRefusedError(text, run_id=run_id, type=str(reply["type"]))
                await asyncio.sleep(_POLL)

    async def query(
        self,
        run_id: str,
        key: str,
        *,
        type: Any = Any,  # noqa: A002 - the word for it
    ) -> Any:
        """Return what a run has published under a key; needs no worker. `UnknownKeyError` when there is nothing.

        `type` is what it is read as; without it comes JSON.
        """
        values = await self.published(run_id)
        if key not in values:
            known = ", ".join(values) or "nothing"
            raise UnknownKeyError(f"Run {run_id} has not published {key!r}; published: {known}.")
        return decode(values[key], type, what=f"The published value {key} of run {run_id}")

    async def published(self, run_id: str) -> dict[str, Any]:
        """Return everything that a run has published; of a chain of runs, the newest."""
        return dict(await self.database.read(_published, run_id))


def _published(tx: Tx, run_id: str) -> dict[str, Json]:
    return attributes.published_of(tx, current_row(tx, run_id).id)
