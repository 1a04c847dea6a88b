"""A `next()` that finds nothing, in an activity that runs in a thread, is a failure like any other."""

import pytest

from holdfast import Client, Retry, Worker, activity, workflow
from holdfast.errors import RunFailedError


@activity.define(retry=Retry(max_attempts=1))
def first_above_five(numbers: list[int]) -> int:
    return next(number for number in numbers if number > 5)


@workflow.define
async def search() -> int:
    return await first_above_five([1])


async def test_stop_iteration_fails_the_attempt_and_frees_its_slot(client: Client) -> None:
    worker = Worker(client, workflows=[search], activities=[first_above_five], slots=1)
    run = await client.start(search)
    await worker.run_until_idle()

    with pytest.raises(RunFailedError, match="first_above_five raised StopIteration"):
        await run.result()
    assert worker.busy_threads == 0
