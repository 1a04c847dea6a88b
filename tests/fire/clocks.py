"""Workers whose clocks are wrong by minutes: leases and timers follow the database's clock."""

from dataclasses import dataclass
from pathlib import Path

from tests.fire import flows
from tests.fire.checking import Count, count, run_of
from tests.fire.fleet import fleet
from tests.fire.waiting import until

from holdfast import Client
from holdfast.history import History, StartTimer, TimerFired

_LEASE = "3"  # seconds
SKEWS = (-300, 0, 300)  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what was counted; `taken` attempts were taken from a worker that lived, `early` timers fired too soon."""

    count: Count
    taken: int
    early: int

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return self.count.broken + self.taken + self.early

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return self.count.details

    def __str__(self) -> str:
        return f"{self.count}; {self.taken} leases taken from the living, {self.early} timers fired early"


async def clocks(folder: Path, url: str, *, runs: int) -> Outcome:
    """Carry out runs on three workers whose clocks are five minutes behind, right, and five minutes ahead."""
    async with Client(url) as client:
        with fleet(folder, url, "--lease", _LEASE) as workers:
            for skew in SKEWS:
                workers.start(prefix=("-m", "tests.fire.skewed", str(skew)))
            for number in range(runs):
                await client.start(flows.order, str(folder), number, id=run_of(number))
                for message, value in flows.messages_of(number):
                    await client.signal(run_of(number), flows.MESSAGES, value, message=message)
            for number in range(runs):

                async def ended(number: int = number) -> bool:
                    return (await client.describe(run_of(number))).evidence.closed_at is not None

                await until(ended, what=f"the end of {run_of(number)}")
        counted = await count(client, folder, range(runs))
        taken = early = 0
        for number in range(runs):
            detail = await client.describe(run_of(number))
            taken += sum(row.attempt > 1 for row in detail.activities)
            early += _early(await client.history(run_of(number)))
    return Outcome(count=counted, taken=taken, early=early)


def _early(history: History) -> int:
    """Count the timers that fired before their time was up."""
    started = {
        command.seq: (turn.event.at, command.ms)
        for turn in history.turns
        for command in turn.commands or ()
        if isinstance(command, StartTimer)
    }
    fired = [turn.event for turn in history.turns if isinstance(turn.event, TimerFired)]
    return sum(event.at < sum(started[event.seq]) for event in fired)
