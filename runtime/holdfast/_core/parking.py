"""Where workflow code waits for something that no command asked for: a signal, an update, a condition."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.runs import Parked


class Parking:
    """Know which waits are open."""

    def __init__(self) -> None:
        self._numbers = 0
        self._open: dict[int, Parked] = {}

    def __iter__(self) -> Iterator[Parked]:
        return iter(self._open.values())

    def enter(
        self, kind: str, name: str, site: str, since: int, deadline: int | None = None
    ) -> int:
        """Note a wait and return its number."""
        self._numbers -= 1
        self._open[self._numbers] = Parked(
            number=self._numbers, kind=kind, name=name, site=site, since=since, deadline=deadline
        )
        return self._numbers

    def leave(self, number: int) -> None:
        """Forget a wait that is over."""
        self._open.pop(number, None)

    @contextmanager
    def during(
        self, kind: str, name: str, site: str, since: int, timeout_ms: int | None
    ) -> Iterator[None]:
        """Note a wait for as long as a block lasts."""
        deadline = None if timeout_ms is None else since + timeout_ms
        number = self.enter(kind, name, site, since, deadline)
        try:
            yield
        finally:
            self.leave(number)


@dataclass(slots=True)
class _Condition:
    holds: Callable[[], bool]
    future: asyncio.Future[None]


class Conditions:
    """Keep the predicates that tasks wait for; they are asked whenever nothing else can go on."""

    def __init__(self, create_future: Callable[[], asyncio.Future[None]]) -> None:
        self._create_future = create_future
        self.waiting: list[_Condition] = []
        self.asking = False

    async def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until a predicate holds."""
        while not self.holds(holds):  # another task may have run between the wake-up and this one
            condition = _Condition(holds, self._create_future())
            self.waiting.append(condition)
            try:
                await condition.future
            finally:
                self.waiting.remove(condition)

    def wake(self) -> bool:
        """Wake the tasks whose condition holds, or cannot be asked; False when there is none."""
        woken = False
        for condition in tuple(self.waiting):
            if condition.future.done():
                continue
            try:
                if self.holds(condition.holds):
                    condition.future.set_result(None)
                    woken = True
            except Exception as error:  # noqa: BLE001 - it belongs to the code that waits
                condition.future.set_exception(error)
                woken = True
        return woken

    def holds(self, holds: Callable[[], bool]) -> bool:
        """Ask a predicate; while it is asked, the run refuses commands."""
        self.asking = True
        try:
            return bool(holds())
        finally:
            self.asking = False
