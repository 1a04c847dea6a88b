"""HF712: `suppress(BaseException)` around a step also suppresses the cancellation of the run."""

import contextlib

from holdfast import activity, workflow


@activity.define
async def warm_cache(region: str) -> None: ...


@activity.define
async def switch_traffic(region: str) -> None: ...


@workflow.define
async def fail_over(region: str) -> None:
    with contextlib.suppress(BaseException):  # mistake: HF712 or HF711
        await warm_cache(region)
    await switch_traffic(region)
