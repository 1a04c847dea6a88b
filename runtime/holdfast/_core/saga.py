"""The steps of a run that can be undone, and undoing them: last in first out, one after the other."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from holdfast._registry import ActivityDefinition
from holdfast.errors import ActivityError
from holdfast.history import CancelCommand, Command, Failure, Json, RegisterCompensation


class SagaPort(Protocol):
    """Say what a saga needs of the run that it belongs to."""

    unstable: set[int]
    """Commands whose arguments may differ on replay."""

    def issue(self, make: Callable[[int, str], Command]) -> int:
        """Issue a command that nothing answers, and return its number."""
        ...

    def run_compensation(self, target: int, name: str) -> asyncio.Future[Any]:
        """Issue the command that carries a compensation out."""
        ...

    def other_tasks(self) -> Sequence[asyncio.Task[Any]]:
        """Return the unfinished tasks of the run but the current one, in order of creation."""
        ...

    @property
    def is_evicting(self) -> bool:
        """Tell whether the run is being unwound without a record."""
        ...


@dataclass(frozen=True, slots=True)
class Compensation:
    """Be a registered compensation; `drop` it when the step that it undoes is not to be undone any more."""

    saga: "Saga"
    seq: int

    def drop(self) -> None:
        """Forget the compensation; one that was dropped or carried out before is left alone."""
        self.saga.drop(self.seq)


class Saga:
    """Hold the compensations that a run has registered and not yet carried out."""

    def __init__(self, port: SagaPort) -> None:
        self._port = port
        self._registered: dict[int, str] = {}
        self._turn = asyncio.Lock()
        self._failed: list[ActivityError] = []
        self._count = 0

    def register(self, definition: ActivityDefinition, args: list[Json]) -> Compensation:
        """Keep an activity that undoes a step."""
        seq = self._port.issue(
            lambda own, site: RegisterCompensation(
                seq=own,
                site=site,
                name=definition.name,
                args=args,
                options=definition.options.to_json(),
            )
        )
        if definition.unstable_args:
            self._port.unstable.add(seq)
        self._registered[seq] = definition.name
        return Compensation(self, seq)

    @property
    def registered(self) -> tuple[str, ...]:
        """Return the names of the activities that would undo the steps, in order."""
        return tuple(self._registered.values())

    def drop(self, seq: int) -> None:
        """Forget a compensation."""
        if self._registered.pop(seq, None) is not None:
            self._port.issue(lambda own, site: CancelCommand(seq=own, site=site, target=seq))

    async def roll_back(self) -> list[ActivityError]:
        """Carry out what is registered, the last first, and return the errors of those that failed for good.

        A cancellation does not interrupt it: it is raised when the last one is done.
        """
        async with self._turn:  # two tasks that roll back take turns
            failed, interrupted = await self._carry_out()
        if interrupted:
            raise asyncio.CancelledError
        return failed

    async def end(self) -> None:
        """Carry out what is registered because the run ends without a result.

        Its other tasks are cancelled and awaited first, as `asyncio.run` does: a step that is still under way must
        not be done after it was undone.
        """
        if not self._registered:
            return
        others = self._port.other_tasks()
        for task in others:
            task.cancel()
        for task in others:
            await self._wait(task)
            if not task.cancelled():
                task.exception()  # marks it as retrieved: the run fails by its first error
        await self._carry_out()

    async def _carry_out(self) -> tuple[list[ActivityError], bool]:
        failed: list[ActivityError] = []
        interrupted = False
        while self._registered:
            seq, name = self._registered.popitem()
            future = self._port.run_compensation(seq, name)
            interrupted |= await self._wait(future)
            error = future.exception()
            if isinstance(error, ActivityError):
                failed.append(error)
            self._count += 1
        self._failed += failed
        return failed, interrupted

    async def _wait(self, future: asyncio.Future[Any]) -> bool:
        """Wait through cancellations; return whether there were any."""
        interrupted = False
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                if self._port.is_evicting:
                    raise
                interrupted = True
        return interrupted

    def told_in(self, failure: Failure) -> Failure:
        """Return the failure of a run, with the compensations that failed if there are any."""
        if not self._failed:
            return failure
        undone: list[Json] = [
            {"name": error.activity, "state": "failed", "error": error.message}
            for error in self._failed
        ]
        names = ", ".join(error.activity for error in self._failed)
        return replace(
            failure,
            message=f"{failure.message} ({len(undone)} of {self._count} compensations failed: {names})",
            details={"details": failure.details, "compensations": undone},
        )
