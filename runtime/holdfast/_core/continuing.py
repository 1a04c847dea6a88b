"""The request of workflow code to go on as a new run with a short history."""

from dataclasses import dataclass

from holdfast._registry import WorkflowDefinition
from holdfast.history import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """Hold what the next run is: its workflow, its encoded arguments, and the line that asked for it."""

    definition: WorkflowDefinition
    args: list[Json]
    site: str


class ContinueAsNewRequest(BaseException):
    """Leave the workflow function; not an `Exception`, so that `except Exception` does not catch it."""

    def __init__(self, continuation: Continuation) -> None:
        super().__init__(continuation)
        self.continuation = continuation


def continuation_in(error: BaseException) -> Continuation | None:
    """Return the request that an error is, or that a task group has wrapped."""
    if isinstance(error, ContinueAsNewRequest):
        return error.continuation
    if isinstance(error, BaseExceptionGroup):
        found = (continuation_in(part) for part in error.exceptions)
        return next((request for request in found if request is not None), None)
    return None
