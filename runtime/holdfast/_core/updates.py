"""Updates: requests from outside that the run's own code answers, each in a task of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast._core.failures import failure_of
from holdfast.errors import PayloadError
from holdfast.history import AnswerUpdate, Command, Failure, Json, RefuseUpdate, UpdateRequested


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHandler:
    """Hold what answers the updates of one name; `check` refuses a request by raising, before anything is done."""

    name: str
    site: str
    answer: Callable[[Any], Awaitable[Any]]
    check: Callable[[Any], object] | None
    decode: Callable[[Json], Any]
    encode: Callable[[Any], Json]


class UpdatePort(Protocol):
    """Say what updates need of the run they belong to."""

    def start_task(
        self, coroutine: Coroutine[Any, Any, None], name: str, site: str
    ) -> asyncio.Task[Any]:
        """Start a task of the run that belongs to a line of its code."""
        ...

    def issue(self, make: Callable[[int, str], Command]) -> int:
        """Issue a command that nothing answers."""
        ...

    def is_failure(self, error: BaseException) -> bool:
        """Tell whether an error is a decision of the code, and not a bug in it."""
        ...

    def stop_on(self, error: BaseException) -> None:
        """Report a bug of workflow code."""
        ...


class Updates:
    """Keep every request until a handler of its name is there, and answer it once."""

    def __init__(self, port: UpdatePort) -> None:
        self._port = port
        self._handlers: dict[str, UpdateHandler] = {}
        self._kept: list[UpdateRequested] = []
        self._tasks: dict[asyncio.Task[Any], UpdateRequested] = {}

    @property
    def handled(self) -> tuple[str, ...]:
        """Return the names that have a handler."""
        return tuple(self._handlers)

    def put(self, request: UpdateRequested) -> None:
        """Answer a request, or keep it until somebody can."""
        handler = self._handlers.get(request.name)
        if handler is None:
            self._kept.append(request)
        else:
            self._begin(handler, request)

    def handle(self, handler: UpdateHandler) -> None:
        """Let `handler` answer the updates of its name, those that have come already included."""
        self._handlers[handler.name] = handler
        due = [request for request in self._kept if request.name == handler.name]
        self._kept = [request for request in self._kept if request.name != handler.name]
        for request in due:
            self._begin(handler, request)

    def unhandled(self) -> list[UpdateRequested]:
        """Return the requests that no handler has taken, in order."""
        return list(self._kept)

    async def finish(self) -> None:
        """Wait until every request that a handler has taken is answered."""
        # A task that is done stays in the table until its callback runs, and waiting for it would not yield.
        while running := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(running)

    def _begin(self, handler: UpdateHandler, request: UpdateRequested) -> None:
        serving = self._serve(handler, request)
        task = self._port.start_task(serving, f"update {request.name}", handler.site)
        self._tasks[task] = request
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _serve(self, handler: UpdateHandler, request: UpdateRequested) -> None:
        try:
            value = handler.decode(request.payload)
            if handler.check is not None:
                handler.check(value)
        except Exception as error:  # noqa: BLE001 - whatever speaks against a request refuses it
            self._refuse(request, failure_of(error))
            return
        try:
            reply = handler.encode(await handler.answer(value))
        except asyncio.CancelledError as error:
            self._refuse(request, failure_of(error))
            raise
        except Exception as error:  # noqa: BLE001 - told apart below
            self._fail(request, error)
            return
        self._port.issue(
            lambda seq, site: AnswerUpdate(seq=seq, site=site, update=request.update, reply=reply)
        )

    def _fail(self, request: UpdateRequested, error: Exception) -> None:
        if self._port.is_failure(error) or isinstance(error, PayloadError):
            self._refuse(request, failure_of(error))
        else:
            self._port.stop_on(error)

    def _refuse(self, request: UpdateRequested, failure: Failure) -> None:
        self._port.issue(
            lambda seq, site: RefuseUpdate(
                seq=seq, site=site, update=request.update, failure=failure
            )
        )
