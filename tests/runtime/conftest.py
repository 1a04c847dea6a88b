"""Fixtures of the runtime's tests: a real database file, a virtual clock, and versions of a workflow as modules."""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

from holdfast import Client, RunHandle, Worker
from holdfast._core import driver
from holdfast.clock import VirtualClock
from holdfast.replay import replay
from holdfast.workflow import Workflow

T = TypeVar("T")


async def assert_every_cut_replays(run: RunHandle[Any], flow: Workflow[Any, Any]) -> None:
    """Replay a history, and go on live from each of its turns: the same commands every time."""
    history = await run.history()
    replay(history, flow).raise_for_difference()
    for cut in range(len(history.committed)):
        state = driver.replay(flow.definition, replace(history, turns=history.turns[:cut]))
        try:
            for turn in history.committed[cut:]:
                assert driver.advance(state.execution, turn.event).commands == turn.commands
        finally:
            state.execution.evict()


async def served(worker: Worker, asking: Awaitable[T]) -> T:
    """Await something that the runs of a worker bring about, letting it work."""
    task = asyncio.ensure_future(asking)
    async with asyncio.timeout(30):
        while not task.done():
            await worker.run_until_idle()
            await asyncio.wait([task], timeout=0.02)
    return await task


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Return the place of an empty database; a test that takes it runs on both kinds."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return tmp_path / "holdfast.db"


@pytest.fixture
def client(store: str | Path, clock: VirtualClock) -> Iterator[Client]:
    made = Client(store, clock=clock)
    yield made
    made.close()


@pytest.fixture
def module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], ModuleType]]:
    """Write a module and import it; the same name again replaces it, as a deployment does."""
    monkeypatch.syspath_prepend(tmp_path)
    names: set[str] = set()

    def load(name: str, source: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        names.add(name)
        return importlib.import_module(name)

    yield load
    for name in names:
        sys.modules.pop(name, None)
