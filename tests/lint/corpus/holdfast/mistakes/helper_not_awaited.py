"""HF702: the clean-up is a coroutine that nobody awaits, so the room stays blocked."""

from datetime import timedelta

from holdfast import activity, workflow


@activity.define
async def block(room: str) -> None: ...


@activity.define
async def unblock(room: str) -> None: ...


async def clean_up(room: str) -> None:
    await unblock(room)


@workflow.define
async def stay(room: str, nights: int) -> None:
    await block(room)
    await workflow.sleep(timedelta(days=nights))
    clean_up(room)  # mistake: HF702
