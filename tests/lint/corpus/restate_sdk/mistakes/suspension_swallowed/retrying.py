from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any


def three_times(fn: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(fn)
    async def again(*args: Any, **kwargs: Any) -> Any:
        for _ in range(3):
            try:
                return await fn(*args, **kwargs)
            except BaseException:  # mistake: HF712
                continue
        return None

    return again
