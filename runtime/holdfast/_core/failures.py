"""Errors as data: what a history keeps of an exception, and which exceptions end a run."""

import traceback
from collections.abc import Iterator

from holdfast._masking import masked
from holdfast.errors import ActivityError, ApplicationError, ChildError
from holdfast.history import ChildFailed, Command, Failure, StartChild, canonical, name_of

_SHOWN_LEAVES = 10  # of a group of errors


def activity_error(command: Command, failure: Failure, name: str = "") -> ActivityError:
    """Return what workflow code gets for an activity that failed for good."""
    name = name or name_of(command)
    tries = "once" if failure.attempts == 1 else f"{failure.attempts} times"
    return ActivityError(
        f"Activity {name} was tried {tries} and failed: {failure.type}: {failure.message}",
        activity=name,
        type=failure.type,
        attempts=failure.attempts,
        details=failure.details,
    )


def child_error(command: StartChild, event: ChildFailed, child: str) -> ChildError:
    """Return what workflow code gets for a child that ended without a result."""
    failure = event.failure
    return ChildError(
        f"Child {child} of {command.workflow} {event.status}: {failure.type}: {failure.message}",
        child=child,
        status=event.status,
        type=failure.type,
        details=failure.details,
    )


def is_failure(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Tell whether an error, or every error in a group, is of one of the kinds."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_failure(part, kinds) for part in error.exceptions)
    return isinstance(error, kinds)


def failure_of(error: BaseException) -> Failure:
    """Return an error as data that can always be written."""
    if isinstance(error, ActivityError):
        return Failure(
            type="ActivityError",
            message=error.message,
            attempts=error.attempts,
            details=error.details,
        )
    details = error.details if isinstance(error, ApplicationError | ChildError) else None
    try:
        canonical(details).encode()
    except (TypeError, ValueError):
        details = repr(details)
    return Failure(type=type(error).__name__, message=text_of(error), details=details)


def text_of(error: BaseException) -> str:
    """Return the message of an error, whatever its `__str__` does."""
    try:
        text = _of_group(error) if isinstance(error, BaseExceptionGroup) else str(error)
    except Exception as problem:  # noqa: BLE001 - then that is what there is to say
        text = f"(its message cannot be read: {type(problem).__name__})"
    return text.encode("utf-8", "backslashreplace").decode()


def _of_group(group: BaseExceptionGroup[BaseException]) -> str:
    """Return the message of a group, and the errors in it that are no groups themselves."""
    leaves = list(_leaves(group))
    shown = "; ".join(f"{type(leaf).__name__}: {text_of(leaf)}" for leaf in leaves[:_SHOWN_LEAVES])
    more = len(leaves) - _SHOWN_LEAVES
    count = "1 error" if len(leaves) == 1 else f"{len(leaves)} errors"
    return f"{group.message} ({count}): {shown}" + (f"; and {more} more" if more > 0 else "")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for part in error.exceptions:
        yield from _leaves(part)


def trace_of(error: BaseException) -> str:
    """Return the end of the traceback of an error, whatever its `__str__` does, without passwords and keys."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as problem:  # noqa: BLE001 - an exception that cannot even be printed
        text = f"(its traceback cannot be printed: {type(problem).__name__})"
    return masked(text)[-8000:].encode("utf-8", "backslashreplace").decode()
