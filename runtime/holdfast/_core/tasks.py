"""Tasks and futures of a run: they hash by their number, and cancellation counts the same on every Python."""

import asyncio
import sys
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, Protocol


class Numbering(Protocol):
    """Say what tasks and futures need of their loop."""

    numbers: int  # that tasks and futures of this run have so far

    def cancel_after_step(self, task: "TurnTask") -> None:
        """Call `carry_out_cancel` of the task when the callback that runs now has returned."""
        ...


class TurnTask(asyncio.Task[Any]):
    """Be a task that hashes by the order of creation."""

    def __init__(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        loop: Any,
        site: str,
        name: str | None = None,
        context: Context | None = None,
    ) -> None:
        numbering: Numbering = loop
        numbering.numbers += 1
        self._number = numbering.numbers
        self.site = site
        self._cancel_requests = 0
        self._cancel_due = False
        self._due_message: Any = None
        super().__init__(coro, loop=loop, name=name or f"task-{self._number}", context=context)

    def __hash__(self) -> int:
        return self._number

    # Python 3.13 takes a cancellation back when `uncancel` brings the count to zero before it was delivered; 3.11 and
    # 3.12 deliver it all the same, and give no way to take it back. So there a cancellation that cannot be delivered
    # at once, because the task runs or is about to, is kept here until the running callback returns. That is the
    # moment at which asyncio itself would deliver it.

    if sys.version_info < (3, 13):

        def cancel(self, msg: Any | None = None) -> bool:
            """Request a cancellation, as the newest Python does."""
            if self.done():
                return False
            self._cancel_requests += 1
            waits_for = self._fut_waiter  # type: ignore[attr-defined]  # not in the stubs
            if waits_for is not None and not waits_for.done():
                return super().cancel(msg)
            self._cancel_due, self._due_message = True, msg
            self.get_loop().cancel_after_step(self)  # type: ignore[attr-defined]  # it is a TurnLoop
            return True

        def uncancel(self) -> int:
            """Take one request back; the last one takes the cancellation with it if it was not delivered."""
            self._cancel_requests = max(0, self._cancel_requests - 1)
            if self._cancel_requests == 0:
                self._cancel_due = False
            return self._cancel_requests

        def cancelling(self) -> int:
            """Return how many requests were not taken back."""
            return self._cancel_requests

    def carry_out_cancel(self) -> None:
        """Deliver a cancellation that was kept, unless it was taken back."""
        if not self._cancel_due:
            return
        self._cancel_due = False
        if not self.done():
            super().cancel(self._due_message)
        elif not self.cancelled() and not self.failed_unseen:
            # The task asked for its own cancellation in its last step: asyncio then drops the result. Nothing has seen
            # the result yet, as the callbacks of the task are queued and have not run; initialising the future part
            # again is the one way to a state without a result.
            asyncio.Future.__init__(self, loop=self.get_loop())
            asyncio.Future.cancel(self, self._due_message)

    @property
    def failed_unseen(self) -> bool:
        """Tell whether the task ended in an error that nobody has looked at."""
        return self.done() and self._log_traceback

    def hush(self) -> None:
        """Let asyncio say nothing when the task is dropped: it is told elsewhere, or does not matter."""
        self._log_destroy_pending = False
        if self.done():
            self._log_traceback = False


class TurnFuture(asyncio.Future[Any]):
    """Be a future that hashes by the order of creation."""

    def __init__(self, *, loop: Any) -> None:
        numbering: Numbering = loop
        numbering.numbers += 1
        self._number = numbering.numbers
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        """Set the exception; a `StopIteration` is wrapped, on every Python."""
        made = exception() if isinstance(exception, type) else exception
        if isinstance(made, StopIteration):
            wrapped = RuntimeError(
                "StopIteration interacts badly with generators and cannot be raised into a Future"
            )
            wrapped.__cause__ = wrapped.__context__ = made
            made = wrapped
        super().set_exception(made)
