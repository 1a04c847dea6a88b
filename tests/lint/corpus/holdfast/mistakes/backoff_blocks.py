"""HF305: between two attempts the workflow sleeps in a helper that blocks its worker."""

from time import sleep

from holdfast import ActivityError, activity, workflow


@activity.define
async def reach(host: str) -> bool: ...


def pause(attempt: int) -> None:
    sleep(2**attempt)  # mistake: HF305


@workflow.define
async def check(host: str) -> bool:
    for attempt in range(5):
        try:
            return await reach(host)
        except ActivityError:
            pause(attempt)
    return False
