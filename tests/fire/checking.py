"""What must hold after a fire, read from the database and the ledger."""

from dataclasses import dataclass
from pathlib import Path

from tests.fire import flows, ledger

from holdfast import Client
from holdfast.replay import replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Hold how many of the runs broke a promise, and how often an attempt was made again."""

    runs: int
    lost: tuple[str, ...]
    wrong: tuple[str, ...]
    doubled: tuple[str, ...]
    stuck: tuple[str, ...]
    unreplayable: tuple[str, ...]
    effects: int
    repeated: int

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return sum(
            len(found)
            for found in (self.lost, self.wrong, self.doubled, self.stuck, self.unreplayable)
        )

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return (*self.lost, *self.wrong, *self.doubled, *self.stuck, *self.unreplayable)

    def __str__(self) -> str:
        return (
            f"{self.runs} runs, {len(self.lost)} lost, {len(self.wrong)} wrong results, {len(self.doubled)} doubled effects, "
            f"{len(self.stuck)} stuck, {len(self.unreplayable)} that do not replay; {self.effects} effects, "
            f"{self.repeated} asked for again under the same key"
        )


async def count(client: Client, folder: Path, numbers: range) -> Count:
    """Look at every run of `order` that was acknowledged, its effects, its result and its history."""
    lost, wrong, stuck, unreplayable = [], [], [], []
    for number in numbers:
        run_id = run_of(number)
        detail = await client.describe(run_id)
        evidence = detail.evidence
        if evidence.closed_at is None:
            stuck.append(
                f"{run_id}: {detail.summary.verdict.code} {detail.summary.verdict.worst.why}"
            )
            continue
        if evidence.status != "completed":
            lost.append(f"{run_id}: {evidence.status}")
        elif evidence.closing != flows.expected(number):
            wrong.append(f"{run_id}: {evidence.closing} instead of {flows.expected(number)}")
        told = replay(await client.history(run_id), flows.order).difference
        if told is not None:
            unreplayable.append(f"{run_id}: {told.code}")
    entries = ledger.read(folder)
    keys = {key for key, _, _ in entries}
    present = {what for _, what, _ in entries}
    lost += [
        f"effect {number}/{step}"
        for number in numbers
        for step in flows.STEPS
        if f"{number}/{step}" not in present
    ]
    return Count(
        runs=len(numbers), lost=tuple(lost), wrong=tuple(wrong), doubled=tuple(sorted(ledger.doubled(folder))),
        stuck=tuple(stuck), unreplayable=tuple(unreplayable), effects=len(keys), repeated=len(entries) - len(keys),
    )  # fmt: skip


def run_of(number: int) -> str:
    """Return the id of the run with a number."""
    return f"order-{number}"
