from collections.abc import Callable
from functools import wraps
from typing import Any

from dbos import DBOS


def tracked(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Make a durable workflow that says when it begins."""

    @DBOS.workflow(name=fn.__name__)
    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        DBOS.logger.info("begins: %s", fn.__name__)
        return fn(*args, **kwargs)

    return wrapper
