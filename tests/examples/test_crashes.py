"""Wherever a worker is killed, the outside world is touched once: real processes, real SIGKILL."""

import asyncio
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from holdfast.client import Client, RunDetail
from research_agent.activities import ALL, send_mail
from research_agent.flow import research
from research_agent.model import Decision, Report, Request
from research_agent.stage.services import NAMES, compose_environment
from research_agent.world import Ledger, World, read_ledger

POINTS = ("before", "in", "after")
LEASE_SECONDS = 2.0  # a machine that does much else may keep a worker from its core for a second
PATIENCE = timedelta(seconds=40)
GLANCE_SECONDS = 0.05
AT_ONCE = 5
KILLED = -signal.SIGKILL
APPROVED = Decision(approved=True)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Where worker 1 is killed: at a point of an activity, or by us, from outside."""

    victim: str
    point: str

    @property
    def name(self) -> str:
        return f"{self.point}-{self.victim}"


AT_ACTIVITIES = [Case(victim=activity.name, point=point) for activity in ALL for point in POINTS]
WHILE_WAITING = Case(victim="approval", point="while-waiting-for")
AFTER_APPROVAL = Case(victim="mail", point="between-approval-and")
CASES = [*AT_ACTIVITIES, WHILE_WAITING, AFTER_APPROVAL]


@dataclass(kw_only=True)
class Outcome:
    """What became of a case."""

    exit: int | None = None
    attempts: dict[str, int] = field(default_factory=dict)
    lost: bool = False
    report: Report | None = None
    pdfs: list[Path] = field(default_factory=list)
    paid: int = 0
    mails: int = 0
    rows: int = 0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """All cases, and the whole ledger that they left."""

    outcomes: dict[str, Outcome]
    ledger: Ledger

    def table(self) -> str:
        lines = [f"\n{'case':<34}exit  attempts  paid  PDFs  mails  rows"]
        for name, found in self.outcomes.items():
            tries = found.attempts.get(name.partition("-")[2], 0)
            lines.append(
                f"{name:<34}{found.exit!s:>4}{tries:>10}{found.paid:>6}{len(found.pdfs):>6}"
                f"{found.mails:>7}{found.rows:>6}  {found.error}"
            )
        return "\n".join(lines)


class Nursery:
    """Speaks with `crash_worker.py`, which forks the workers."""

    def __init__(self, world: World) -> None:
        environ = compose_environment(
            world.directory,
            page_delay=timedelta(0),
            environ={name: value for name, value in os.environ.items() if name not in NAMES},
        )
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crash_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
        )
        self._ids = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: dict[tuple[int, str], asyncio.Future[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def listen(self) -> None:
        """Hear from now on what the workers do, in the running loop."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, daemon=True).start()

    async def start(self, **plan: Any) -> "WorkerProcess":
        """Fork a worker."""
        assert self._loop
        assert self._process.stdin
        number = next(self._ids)
        for word in ("pid", "exit"):
            self._told[number, word] = self._loop.create_future()
        order = {"id": number, "plan": {"lease": LEASE_SECONDS, **plan}}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return WorkerProcess(pid=await self._told[number, "pid"], ended=self._told[number, "exit"])

    def _listen(self) -> None:
        assert self._loop
        assert self._process.stdout
        for line in self._process.stdout:
            message = json.loads(line)
            number = message.pop("id")
            for word, value in message.items():
                told = self._told[number, word]
                self._loop.call_soon_threadsafe(told.set_result, value)


@dataclass(frozen=True, kw_only=True)
class WorkerProcess:
    """A worker that was forked; `ended` becomes its exit code."""

    pid: int
    ended: asyncio.Future[int]

    async def send(self, number: signal.Signals) -> int:
        """Send a signal, and return how the process ended."""
        os.kill(self.pid, number)
        return await self.ended


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    folder = tmp_path_factory.mktemp("crashes")
    with World(folder / "world") as world, Nursery(world) as nursery:
        outcomes = asyncio.run(try_everything(folder, nursery))
        ledger = read_ledger(world.directory)
    for name, outcome in outcomes.items():
        count(name, outcome, ledger)
    return Experiment(outcomes=outcomes, ledger=ledger)


async def try_everything(folder: Path, nursery: Nursery) -> dict[str, Outcome]:
    nursery.listen()
    lines = folder / "lines"
    lines.mkdir()
    undisturbed = Trial(folder, nursery, Case(victim="nothing", point="undisturbed"))
    outcomes = {undisturbed.case.name: await undisturbed.run(count=str(lines))}
    index = next(undisturbed.data.glob("*.sqlite3"))
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(case: Case) -> None:
        trial = Trial(folder, nursery, case)
        if case.victim != "search_corpus":  # which is killed while it builds its index
            shutil.copyfile(index, trial.data / index.name)
        async with turns:
            outcomes[case.name] = await trial.run(lines=lines)

    await asyncio.gather(*(run(case) for case in CASES))
    return {name: outcomes[name] for name in (undisturbed.case.name, *(c.name for c in CASES))}


class Trial:
    """One run in a database of its own, on which one worker dies and another goes on."""

    def __init__(self, folder: Path, nursery: Nursery, case: Case) -> None:
        self.case = case
        self.outcome = Outcome()
        self.data = folder / case.name
        self.data.mkdir()
        self._nursery = nursery
        self._db = str(self.data / "runs.db")

    async def run(self, *, lines: Path | None = None, count: str = "") -> Outcome:
        """Carry the case out; what goes wrong becomes part of the outcome."""
        try:
            async with Client(self._db) as self._client, asyncio.timeout(PATIENCE.total_seconds()):
                await self._client.start(research, request_of(self.case.name), id=self.case.name)
                if lines is not None:
                    self.outcome.exit = await self._crash(lines)
                await self._finish(count=count)
        except Exception as error:  # noqa: BLE001 (it belongs in the table)
            self.outcome.error = f"{type(error).__name__}: {error}"
        return self.outcome

    async def _crash(self, lines: Path) -> int:
        if self.case == WHILE_WAITING:
            worker = await self._start()
            await self._until(self._is_asked)
            return await worker.send(signal.SIGKILL)
        if self.case == AFTER_APPROVAL:
            worker = await self._start(without=[send_mail.name])
            await self._decide()
            await self._until(self._is_mail_scheduled)
            return await worker.send(signal.SIGKILL)
        half = int((lines / self.case.victim).read_text()) // 2
        worker = await self._start(victim=self.case.victim, point=self.case.point, line=half)
        deciding = asyncio.create_task(self._decide())
        ended = await worker.ended
        deciding.cancel()
        await asyncio.gather(deciding, return_exceptions=True)
        return ended

    async def _finish(self, *, count: str) -> None:
        worker = await self._start(count=count)
        await self._decide()
        outcome, handle = self.outcome, self._client.get(self.case.name, research)
        outcome.report = await handle.result()
        detail = await handle.describe()
        outcome.attempts = {found.name: found.attempt for found in detail.activities}
        outcome.lost = any(
            found.name == self.case.victim and found.error_type == "WorkerLost"
            for found in detail.activities
        )
        outcome.pdfs = list((self.data / "outbox").iterdir())
        assert await worker.send(signal.SIGTERM) == 0

    async def _start(self, **plan: Any) -> WorkerProcess:
        log = str(self.data / "worker.log")
        return await self._nursery.start(db=self._db, data=str(self.data), log=log, **plan)

    async def _decide(self) -> None:
        """Approve as soon as there is a question, unless that has been done already."""
        await self._until(lambda detail: bool(detail.approvals))
        if self._is_asked(await self._client.describe(self.case.name)):
            await self._client.decide(self.case.name, "send-report", APPROVED, by="test")

    async def _until(self, condition: Callable[[RunDetail], bool]) -> None:
        while True:
            if condition(await self._client.describe(self.case.name)):
                return
            await asyncio.sleep(GLANCE_SECONDS)

    def _is_asked(self, detail: RunDetail) -> bool:
        return any(approval.state == "open" for approval in detail.approvals)

    def _is_mail_scheduled(self, detail: RunDetail) -> bool:
        return any(found.name == send_mail.name for found in detail.activities)


def request_of(name: str) -> Request:
    question = "How do I wait for several calls at once with asyncio?"
    return Request(question=question, customer="Nordlicht GmbH", email=f"{name}@nordlicht.example")


def count(name: str, outcome: Outcome, ledger: Ledger) -> None:
    """Count in the journals of the services what one run has done."""
    effects = [entry for entry in ledger.entries if entry.effect]
    outcome.paid = sum(e.service == "llm" and f"{e.key}".startswith(f"{name}/") for e in effects)
    outcome.rows = sum(e.service == "crm" and f"{e.key}".startswith(f"{name}/") for e in effects)
    to = [request_of(name).email]
    outcome.mails = sum(e.service == "smtp" and e.body["to"] == to for e in effects)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_killed_worker_changes_nothing(experiment: Experiment, case: Case) -> None:
    found, table = experiment.outcomes[case.name], experiment.table()

    assert not found.error, table
    assert found.exit == KILLED, table
    assert (found.paid, len(found.pdfs), found.mails, found.rows) == (1, 1, 1, 1), table
    assert substance(found) == substance(experiment.outcomes["undisturbed-nothing"]), table


@pytest.mark.parametrize("case", AT_ACTIVITIES, ids=lambda case: case.name)
def test_the_attempt_of_the_killed_worker_is_recorded_as_lost(
    experiment: Experiment, case: Case
) -> None:
    found = experiment.outcomes[case.name]

    assert (found.attempts[case.victim], found.lost) == (2, True), experiment.table()


def test_no_effect_belongs_to_no_run(experiment: Experiment) -> None:
    """So nothing was done twice under another key, and nothing done for nobody."""
    ledger, runs = experiment.ledger, len(experiment.outcomes)

    totals = (ledger.paid_calls, ledger.mails, ledger.crm_rows)
    assert totals == (runs, runs, runs), experiment.table()


def test_services_were_asked_again_where_the_result_was_lost(experiment: Experiment) -> None:
    """Otherwise the cases would not have killed anything in the middle of its effect."""
    repeats = [entry.service for entry in experiment.ledger.entries if is_repeat(entry)]

    assert {"llm", "smtp", "crm"} <= set(repeats), experiment.table()


def is_repeat(entry: Any) -> bool:
    return entry.key is not None and not entry.effect


def substance(outcome: Outcome) -> tuple[object, ...]:
    """Return what two reports have in common when a kill changed nothing: all but ids and times."""
    report = outcome.report
    assert report is not None
    content = Path(report.pdf.path).read_bytes()
    intact = hashlib.sha256(content).hexdigest() == report.pdf.sha256
    sent = report.message_id is not None and report.crm_row is not None
    return report.answer, report.pdf.pages, intact, report.decision, sent
