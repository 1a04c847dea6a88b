"""Trying again, with a pause."""

import functools
import time
from collections.abc import Callable


def retrying(attempts: int) -> Callable[[Callable[..., str]], Callable[..., str]]:
    def decorate(function: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(function)
        def again(*args: object) -> str:
            for attempt in range(attempts):
                try:
                    return function(*args)
                except ValueError:
                    time.sleep(2**attempt)  # mistake: HF305
            return function(*args)

        return again

    return decorate
