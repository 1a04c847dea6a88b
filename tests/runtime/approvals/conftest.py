"""What the tests of approvals share: the flows, a worker that works until it rests, and replay cut at every turn."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from holdfast import Client, Worker
from holdfast._core.driver import advance
from holdfast._core.driver import replay as replay_core
from holdfast.client import ApprovalSummary, RunHandle
from holdfast.clock import VirtualClock
from holdfast.history import History
from holdfast.workflow import Workflow


@dataclass
class Desk:
    """Start runs of one workflow, let its worker work and time pass, and look at its approval."""

    client: Client
    clock: VirtualClock
    worker: Worker
    handle: RunHandle[Any]

    async def work(self) -> None:
        await self.worker.run_until_idle()

    async def after(self, hours: float) -> None:
        """Let time pass, doing what becomes due on the way at its own moment."""
        end = self.clock.now_ms + round(hours * 3_600_000)
        await self.work()
        while (due := await self.worker.next_due()) is not None and due <= end:
            self.clock.advance_to(due)
            await self.work()
        self.clock.advance(timedelta(milliseconds=end - self.clock.now_ms))
        await self.work()

    async def approval(self, name: str | None = None) -> ApprovalSummary:
        found = (await self.handle.describe()).approvals
        return next(a for a in reversed(found) if name is None or a.name == name)

    async def kinds(self) -> list[str]:
        """Return the kinds of all commands, in order."""
        turns = (await self.handle.history()).turns
        return [command.kind for turn in turns for command in turn.commands or ()]

    async def events(self) -> list[str]:
        return [turn.event.kind for turn in (await self.handle.history()).turns]


Opener = Callable[..., Coroutine[Any, Any, Desk]]


@pytest.fixture
def desk(client: Client, clock: VirtualClock) -> Opener:
    async def opened(flow: Workflow[..., Any], *args: Any, activities: Any = ()) -> Desk:
        worker = Worker(client, workflows=[flow], activities=list(activities))
        made = Desk(client, clock, worker, await client.start(flow, *args, id="r"))
        await made.work()
        return made

    return opened


def assert_every_cut_gives_the_same_commands(history: History, flow: Workflow[..., Any]) -> None:
    """Replay up to each turn, as a worker does after a crash, and apply that turn for the first time again."""
    for cut in range(1, len(history.committed) + 1):
        turn = history.turns[cut - 1]
        before = (*history.turns[: cut - 1], replace(turn, commands=None))
        state = replay_core(flow.definition, replace(history, turns=before))
        assert state.difference is None
        assert state.bug is None
        assert state.drifts == []
        again = advance(state.execution, turn.event).commands
        state.execution.evict()
        assert again == turn.commands, f"turn {turn.event.turn}"
