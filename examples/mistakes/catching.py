"""A payment that cannot be cancelled, because its handlers catch everything."""

import contextlib

from holdfast import activity, workflow


@activity.define(effect="once")
async def charge(order: str) -> str: ...


@activity.define
async def release(order: str) -> None: ...


@workflow.define
async def pay(order: str) -> str:
    try:
        receipt = await charge(order)
    except:  # mistake: HF712
        return "unpaid"

    try:
        await release(order)
    except (OSError, BaseException) as error:  # mistake: HF712
        if isinstance(error, OSError):
            raise
        workflow.logger.warning("could not release %s", order)

    with contextlib.suppress(BaseException):  # mistake: HF712
        await release(order)

    try:
        await release(order)
    except BaseException:
        workflow.logger.warning("gave up on %s", order)
        raise
    return receipt
