"""Every exception that holdfast raises.

    HoldfastError
    ├── UsageError                  a call that cannot be carried out as asked
    │   ├── UnknownWorkflowError
    │   │   └── MissingWorkflowError    the module is there, the workflow is not
    │   ├── UnknownRunError
    │   │   └── ArchivedRunError        its rows were deleted, and a file has its history
    │   ├── UnknownScheduleError
    │   ├── ScheduleExistsError
    │   ├── UnknownKeyError         a run has published nothing under that key
    │   ├── RunExistsError
    │   ├── RunClosedError
    │   ├── ArgumentError
    │   ├── ApprovalError           no such open approval, or an answer that does not fit
    │   └── MessageError            a signal or update that the run cannot take
    ├── StoreError                  the database cannot be used
    │   ├── DatabaseUnavailableError
    │   ├── DatabaseCorruptError
    │   ├── DatabaseVersionError
    │   └── DatabasePermissionError  the role of the URL may not do that
    ├── PayloadError                a value cannot become a payload, or a payload a value
    │   ├── PayloadTooLargeError
    │   └── SealedPayloadError      stored bytes that cannot be opened here: no key, another key, changed bytes
    ├── HistoryFormatError          a history file that cannot be read
    ├── NondeterminismError         the code and the history do not agree
    ├── ForbiddenCallError          a call that workflow code must not make
    ├── LeaseLostError              another worker holds the task now
    ├── RunError                    raised by `RunHandle.result()`, and by updates
    │   ├── RunFailedError
    │   ├── RunCancelledError
    │   ├── RunTerminatedError
    │   ├── RunTimedOutError        it did not end within its timeout
    │   └── UpdateRefusedError
    └── WorkflowError               workflow code may catch these; uncaught they fail the run
        ├── ActivityError
        ├── ApprovalTimeoutError
        ├── ChildError
        ├── SignalError             the run that a signal was sent to does not take it
        ├── HistoryLimitError       the history is full: continue as new before that
        └── ApplicationError        raise it to fail a run, or an activity, on purpose

Every message says what happened, where, what was expected and what to do next. Every error survives pickle:
the message is the only positional argument, everything else is an attribute.
"""

from datetime import timedelta
from typing import Any


class HoldfastError(Exception):
    """Be the base of every error of holdfast."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(HoldfastError):
    """Report a call that cannot be carried out as asked."""


class UnknownWorkflowError(UsageError):
    """Report a workflow name or entry that no code defines."""


class MissingWorkflowError(UnknownWorkflowError):
    """Report a module in which the workflow that a history names is not defined any more."""


class UnknownRunError(UsageError):
    """Report a run id that is not in the database."""


class ArchivedRunError(UnknownRunError):
    """Report a run whose rows were deleted; `file` holds its history."""

    def __init__(self, message: str, *, file: str = "") -> None:
        super().__init__(message)
        self.file = file


class UnknownScheduleError(UsageError):
    """Report a schedule id that is not in the database."""


class ScheduleExistsError(UsageError):
    """Report a schedule id that is taken by another schedule."""


class UnknownKeyError(UsageError):
    """Report a key under which a run has published nothing."""


class RunExistsError(UsageError):
    """Report a run id that is taken by a run with other arguments."""


class RunClosedError(UsageError):
    """Report an operation on a run that has already ended."""


class ArgumentError(UsageError):
    """Report an argument that does not fit the signature or the type it was declared with."""


class ApprovalError(UsageError):
    """Report an approval that is not open, or an answer that does not fit its type."""


class MessageError(UsageError):
    """Report a signal or update that the run cannot take: another content under a known id, or of the wrong type."""


class StoreError(HoldfastError):
    """Report a database that cannot be used."""


class DatabaseUnavailableError(StoreError):
    """Report a database that cannot be opened or reached."""


class DatabaseCorruptError(StoreError):
    """Report a file that is not a database, or a damaged one."""


class DatabaseVersionError(StoreError):
    """Report a database written by a newer holdfast than this one."""


class DatabasePermissionError(StoreError):
    """Report a database whose owner has not granted what this process wants to do."""


class PayloadError(HoldfastError):
    """Report a value that cannot be encoded, or a payload that cannot be decoded."""


class PayloadTooLargeError(PayloadError):
    """Report a value whose JSON is longer than the limit."""


class SealedPayloadError(PayloadError):
    """Report stored bytes that this process cannot open.

    `key` is the id of the key that is not known, if that is why, and `place` says where the bytes lie.
    """

    def __init__(self, message: str, *, key: str = "", place: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.place = place


class HistoryFormatError(HoldfastError):
    """Report a history file that cannot be read."""


class NondeterminismError(HoldfastError):
    """Report code that asked for other commands than its history records."""

    def __init__(self, message: str, *, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class ForbiddenCallError(HoldfastError):
    """Report a call inside a workflow that cannot be replayed.

    `rule` is the id of the lint rule that finds the same mistake before it runs, `site` the line of user code.
    """

    def __init__(self, message: str, *, rule: str = "", site: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.site = site


class LeaseLostError(HoldfastError):
    """Report a commit that was refused because the lease had passed to another worker."""


class RunError(HoldfastError):
    """Be the base of the ways in which waiting for a result can end without one."""

    def __init__(self, message: str, *, run_id: str = "") -> None:
        super().__init__(message)
        self.run_id = run_id


class RunFailedError(RunError):
    """Report a run that ended by an error; `type` is the name of that error."""

    def __init__(self, message: str, *, run_id: str = "", type: str = "") -> None:  # noqa: A002 - the field's word
        super().__init__(message, run_id=run_id)
        self.type = type


class RunCancelledError(RunError):
    """Report a run that was cancelled."""


class RunTerminatedError(RunError):
    """Report a run that was terminated."""


class RunTimedOutError(RunError):
    """Report a run that did not end within its timeout."""


class UpdateRefusedError(RunError):
    """Report an update that the run refused; `type` is the name of the error that it gave as its reason."""

    def __init__(self, message: str, *, run_id: str = "", type: str = "") -> None:  # noqa: A002 - the field's word
        super().__init__(message, run_id=run_id)
        self.type = type


class WorkflowError(HoldfastError):
    """Be the base of the errors that, uncaught, fail a run; any other error is a bug that blocks it."""


class ActivityError(WorkflowError):
    """Report an activity that failed for good.

    `type` names the error of the last attempt, `attempts` says how many there were.
    """

    def __init__(
        self,
        message: str,
        *,
        activity: str = "",
        type: str = "",  # noqa: A002 - the field's word
        attempts: int = 0,
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.activity = activity
        self.type = type
        self.attempts = attempts
        self.details = details


class ApprovalTimeoutError(WorkflowError):
    """Report an approval that nobody decided in time and that has no `on_timeout`."""

    def __init__(self, message: str, *, approval: str = "") -> None:
        super().__init__(message)
        self.approval = approval


class ChildError(WorkflowError):
    """Report a child that ended without a result.

    `status` says how it ended (failed, cancelled, terminated, timed_out), `type` names the error that it ended by.
    """

    def __init__(
        self,
        message: str,
        *,
        child: str = "",
        status: str = "",
        type: str = "",  # noqa: A002 - the field's word
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.child = child
        self.status = status
        self.type = type
        self.details = details


class SignalError(WorkflowError):
    """Report a signal from one run to another that was not delivered; `target` is the run it was for."""

    def __init__(self, message: str, *, target: str = "") -> None:
        super().__init__(message)
        self.target = target


class HistoryLimitError(WorkflowError):
    """Report a run whose history has reached its limit; `continue_as_new` in time avoids it."""


class ApplicationError(WorkflowError):
    """Fail an activity or a run on purpose.

    With `non_retryable` an activity is not tried again; `retry_after`, a timedelta, is the pause before it is.
    `details` must be JSON.
    """

    def __init__(
        self,
        message: str,
        *,
        non_retryable: bool = False,
        details: Any = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.non_retryable = non_retryable
        self.details = details
        self.retry_after = retry_after
