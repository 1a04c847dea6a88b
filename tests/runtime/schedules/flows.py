"""What the schedules of the tests start."""

from holdfast import ApplicationError, workflow
from holdfast.workflow import Signal

finish = Signal("finish", bool)


@workflow.define
async def greet(name: str, times: int = 1) -> str:
    return f"{name} {times} {workflow.info().scheduled_for:%H:%M}"


@workflow.define
async def linger(name: str) -> bool:
    return await finish.receive()


@workflow.define
async def fail(name: str) -> None:
    await finish.receive()
    raise ApplicationError(name)


@workflow.define
async def broken(name: str) -> None:
    raise ValueError(name)  # a bug, which blocks the run


@workflow.define
async def relay(number: int) -> str:
    if number == 1:
        workflow.continue_as_new(2)
    await finish.receive()
    return f"{number} for {workflow.info().scheduled_for:%H:%M}"
