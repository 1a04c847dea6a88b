import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import TypeVar

from temporalio import activity

Fn = TypeVar("Fn", bound=Callable[..., Awaitable[object]])


def beats(fn: Fn) -> Fn:
    @wraps(fn)
    async def wrapper(*args: object, **kwargs: object) -> object:
        beating = asyncio.create_task(_beat(5))
        try:
            return await fn(*args, **kwargs)
        finally:
            beating.cancel()
            await asyncio.wait([beating])

    return wrapper


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat(f"alive at {datetime.now()}")
