"""Locks inside a turn: a short wait for another thread is no harm, a long one is refused.

Libraries guard what they share with locks, and an activity in another thread may hold one for a moment. A task of a
workflow that holds a lock while it awaits is another matter: whoever takes the lock next waits for ever.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from holdfast._core.loop import TurnLoop
from holdfast._guard.refusing import judge
from holdfast._guard.table import LOCK

PATIENCE_S = 0.5

_running = asyncio._get_running_loop  # noqa: SLF001 - what tells a turn from everything else, on this thread


def guarded_acquire(original: Callable[..., bool]) -> Callable[..., bool]:
    """Return what takes the place of `acquire`, and of `__enter__`, of a lock."""

    def acquire(self: Any, *args: Any, **kwargs: Any) -> bool:
        loop = _running()
        if type(loop) is TurnLoop and _would_block(*args, **kwargs):
            if original(self, True, PATIENCE_S):  # noqa: FBT003 - all that a lock understands
                return True
            judge(loop, LOCK, (self,), kwargs)
        return original(self, *args, **kwargs)

    return acquire


def _would_block(blocking: Any = True, timeout: float = -1) -> bool:  # noqa: FBT002 - as the lock has it
    return bool(blocking) and timeout != 0
