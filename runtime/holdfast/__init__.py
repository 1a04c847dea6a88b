"""Durable workflows in plain Python: define them, run them, change them safely, and see what they wait for."""

from holdfast import activity, workflow
from holdfast.client import Client, RunHandle
from holdfast.errors import ActivityError, ApplicationError, ApprovalTimeoutError, HoldfastError
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
