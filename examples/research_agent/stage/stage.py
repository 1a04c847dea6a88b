"""Everything that the acts of the demonstration share, and how they wait."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from holdfast.client import AttemptSummary, Client, RunSummary
from holdfast.health import Family
from research_agent.stage.crew import Crew, Member
from research_agent.stage.errors import StoryError
from research_agent.stage.narrator import Narrator
from research_agent.world import World

T = TypeVar("T")

REPORT = "report-1"
LEASE = timedelta(seconds=3)
PATIENCE = timedelta(seconds=90)
GLANCE = timedelta(milliseconds=100)
PAUSE = timedelta(seconds=4)  # between two retries that are told
MODULES = ("research_agent.flow", "research_agent.neighbours", "shipping")


def near(path: Path) -> str:
    """Return a path as a person here would type it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


@dataclass(slots=True)
class Told:
    """Remember which failed attempt was told last, and when."""

    since: int = 0
    at: float = -PAUSE.total_seconds()

    def is_news(self, run: RunSummary) -> bool:
        """Tell whether a run retries after a failure that is worth a line now."""
        worst, now = run.verdict.worst, time.monotonic()
        if worst.family is not Family.RETRYING or worst.since == self.since:
            return False
        if now - self.at < PAUSE.total_seconds():
            return False
        self.since, self.at = worst.since, now
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Hold the processes, the database and the voice of one demonstration."""

    folder: Path
    client: Client
    crew: Crew
    world: World
    narrator: Narrator
    real: dict[str, str]
    email: str
    told: Told = field(default_factory=Told)

    @property
    def database(self) -> Path:
        """Return the database's file."""
        return self.folder / "holdfast.db"

    @property
    def code(self) -> Path:
        """Return the folder of the code that workers import."""
        return self.folder / "code"

    def start_worker(self, name: str) -> Member:
        """Start a worker process that knows every workflow of the demonstration."""
        lease = str(LEASE.total_seconds())
        return self.crew.start(
            name, "worker", *MODULES, "--db", str(self.database), "--lease", lease
        )

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Wait until `look` finds something; raise `StoryError` when that takes too long."""
        deadline = time.monotonic() + PATIENCE.total_seconds()
        while True:
            found = await look()
            if found:
                return found
            self.check()
            await self.tell_trouble()
            if time.monotonic() > deadline:
                seconds = PATIENCE.total_seconds()
                raise StoryError(f"Waited {seconds:.0f} s for {what}, and it did not happen.")
            await asyncio.sleep(GLANCE.total_seconds())

    async def tell_trouble(self) -> None:
        """Tell when the report's run retries; raise `StoryError` when it has ended without result."""
        for run in await self.client.list(prefix=REPORT):
            if run.closed_at is not None and run.verdict.code != "closed.completed":
                raise StoryError(f"{run.id} has ended. {run.verdict.why}")
            if self.told.is_news(run):
                self.narrator.tell(f"{run.id} retries: {run.verdict.why}")

    def check(self) -> None:
        """Raise `StoryError` when a process has ended by itself."""
        self.crew.check()
        if not self.world.is_running():
            raise StoryError(
                f"A stand-in has ended by itself; see the logs in {self.world.directory}."
            )

    async def until_ready(self, member: Member) -> None:
        """Wait until a worker process has registered itself."""

        async def registered() -> bool:
            _, workers = await self.client.workers()
            return any(worker.pid == member.pid for worker in workers)

        await self.until(f"{member.name} to start", registered)

    async def find_activity(self, name: str) -> AttemptSummary | None:
        """Return an activity of the report's run, once it is scheduled."""
        detail = await self.client.describe(REPORT)
        return next((found for found in detail.activities if found.name == name), None)

    def explain(self) -> str:
        """Return what `holdfast why` says about the report's run."""
        command = ["why", REPORT, "--db", near(self.database)]
        program = "from holdfast.cli import main; main(prog_name='holdfast')"
        answered = subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "-c", program, *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE.total_seconds(),
            check=False,
        )
        return f"$ holdfast {' '.join(command)}\n{answered.stdout}{answered.stderr}".strip()
