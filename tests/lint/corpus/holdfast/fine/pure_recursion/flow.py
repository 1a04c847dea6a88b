from holdfast import activity, workflow
from pure_recursion.days import next_working_day


@activity.define
async def deliver(order: str, day: int) -> None: ...


@workflow.define
async def schedule(order: str, holidays: list[int]) -> int:
    day = next_working_day(workflow.now().toordinal(), holidays)
    await deliver(order, day)
    return day
