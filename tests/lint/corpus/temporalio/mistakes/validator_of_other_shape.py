"""HF725: the validator takes other parameters than its update, and the class is refused."""

from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Seats:
    def __init__(self) -> None:
        self.taken: dict[str, str] = {}

    @workflow.update
    def take(self, seat: str, passenger: str) -> bool:
        return self.taken.setdefault(seat, passenger) == passenger

    @take.validator
    def check(self, seat: str) -> None:  # mistake: HF725
        if not seat:
            raise ValueError("a seat has a number")

    @workflow.run
    async def run(self) -> int:
        await workflow.sleep(timedelta(hours=1))
        return len(self.taken)
