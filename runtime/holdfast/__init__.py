"""Durable workflows in plain Python: define them, run them, change them safely, and see what they wait for."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast import activity, workflow
    from holdfast.client import Client, RunHandle
    from holdfast.errors import (
        ActivityError,
        ApplicationError,
        ApprovalTimeoutError,
        HoldfastError,
    )
    from holdfast.limits import Limit, Rate
    from holdfast.retry import Retry
    from holdfast.worker import Worker

__all__ = [
    "ActivityError",
    "ApplicationError",
    "ApprovalTimeoutError",
    "Client",
    "HoldfastError",
    "Limit",
    "Rate",
    "Retry",
    "RunHandle",
    "Worker",
    "activity",
    "workflow",
]

# Loaded when first asked for: `holdfast lint` and `holdfast --help` shall not wait for the drivers of databases.
_PLACES = {
    "ActivityError": "errors",
    "ApplicationError": "errors",
    "ApprovalTimeoutError": "errors",
    "Client": "client",
    "HoldfastError": "errors",
    "Limit": "limits",
    "Rate": "limits",
    "Retry": "retry",
    "RunHandle": "client",
    "Worker": "worker",
}


def __getattr__(name: str) -> Any:
    """Load what the name stands for, or the public module of that name."""
    if name in _PLACES:
        value = getattr(import_module(f"holdfast.{_PLACES[name]}"), name)
        globals()[name] = value
        return value
    if not name.startswith("_") and find_spec(f"holdfast.{name}") is not None:
        return import_module(f"holdfast.{name}")
    raise AttributeError(f"module 'holdfast' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
