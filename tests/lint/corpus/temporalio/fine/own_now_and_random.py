"""Fine (HF101): methods called `now`, `choice` and `uuid4` of the project's own classes are no clock and no chance."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow


@dataclass
class Rota:
    people: list[str]
    turn: int

    def now(self) -> str:
        return self.people[self.turn % len(self.people)]

    def choice(self) -> str:
        return self.people[(self.turn + 1) % len(self.people)]


@activity.defn
async def page(person: str) -> None:
    activity.logger.info("paging %s", person)


@workflow.defn
class Incident:
    @workflow.run
    async def run(self, people: list[str], turn: int) -> str:
        rota = Rota(people, turn)
        for person in (rota.now(), rota.choice()):
            await workflow.execute_activity(
                page, person, start_to_close_timeout=timedelta(minutes=1)
            )
        return rota.now()
