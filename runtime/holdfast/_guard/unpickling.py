"""A frame around what `pickle` does in C, so that it can be told from the code that calls it."""

from collections.abc import Callable
from typing import Any


def framed(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does as the original, in a frame of this file."""

    def unpickle(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    return unpickle
