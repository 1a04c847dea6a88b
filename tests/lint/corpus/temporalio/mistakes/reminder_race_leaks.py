"""HF309: each round starts a timer that is never cancelled when the answer comes first."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def remind(customer: str, round_number: int) -> None:
    activity.logger.info("reminder %s for %s", round_number, customer)


@workflow.defn
class AwaitAnswers:
    def __init__(self) -> None:
        self.answers = 0

    @workflow.signal
    def answered(self) -> None:
        self.answers += 1

    @workflow.run
    async def run(self, customer: str, wanted: int) -> int:
        for number in range(10):
            seen = self.answers
            timer = asyncio.create_task(asyncio.sleep(86_400))  # also: HF309
            answer = asyncio.create_task(  # also: HF309
                workflow.wait_condition(lambda seen=seen: self.answers > seen, timeout=90_000)
            )
            await workflow.wait(
                [timer, answer], return_when=asyncio.FIRST_COMPLETED
            )  # mistake: HF309
            if self.answers >= wanted:
                break
            await workflow.execute_activity(
                remind, args=[customer, number], start_to_close_timeout=timedelta(minutes=1)
            )
        return self.answers
