"""HF604: the failure is reported again each time the run is replayed."""

import sentry_sdk

from holdfast import ActivityError, activity, workflow


@activity.define
async def transfer(amount: int) -> str: ...


@workflow.define
async def pay(amount: int) -> str:
    try:
        return await transfer(amount)
    except ActivityError as error:
        sentry_sdk.capture_exception(error)  # mistake: HF604 or HF204
        return "failed"
