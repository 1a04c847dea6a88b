"""What state a run, its task and its activities can be in, and which moves are legal.

A run is *open* until it ends in one of four ways. An open run has one workflow task: the unit that a worker
leases to advance it. The task is *idle* while the run only waits, *ready* when an inbound event has not been
applied, *leased* while a worker applies it, and *blocked* when code and history do not agree or the code raised
the same bug again: then only other code, or a person, moves it.
"""

from enum import StrEnum

from holdfast.errors import UsageError


class RunStatus(StrEnum):
    """Name the state of a run."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"

    @property
    def is_terminal(self) -> bool:
        """Tell whether nothing can happen to the run any more."""
        return self is not RunStatus.OPEN


class TaskState(StrEnum):
    """Name the state of the workflow task of an open run."""

    IDLE = "idle"
    READY = "ready"
    LEASED = "leased"
    BLOCKED = "blocked"


class ActivityState(StrEnum):
    """Name the state of an activity."""

    READY = "ready"
    LEASED = "leased"
    BACKOFF = "backoff"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskMove(StrEnum):
    """Name what can happen to a workflow task."""

    EVENT_ARRIVED = "event arrived"
    CLAIMED = "claimed"
    ADVANCED = "advanced, nothing left to apply"
    HANDED_BACK = "handed back, events left to apply"
    LEASE_EXPIRED = "lease expired"
    MISMATCHED = "mismatched"
    CODE_CHANGED = "claimed by other code"


TASK_MOVES: dict[tuple[TaskState, TaskMove], TaskState] = {
    (TaskState.IDLE, TaskMove.EVENT_ARRIVED): TaskState.READY,
    (TaskState.READY, TaskMove.EVENT_ARRIVED): TaskState.READY,
    (TaskState.LEASED, TaskMove.EVENT_ARRIVED): TaskState.LEASED,
    (TaskState.BLOCKED, TaskMove.EVENT_ARRIVED): TaskState.BLOCKED,
    (TaskState.READY, TaskMove.CLAIMED): TaskState.LEASED,
    (TaskState.LEASED, TaskMove.ADVANCED): TaskState.IDLE,
    (TaskState.LEASED, TaskMove.HANDED_BACK): TaskState.READY,
    (TaskState.LEASED, TaskMove.LEASE_EXPIRED): TaskState.LEASED,
    (TaskState.LEASED, TaskMove.MISMATCHED): TaskState.BLOCKED,
    (TaskState.BLOCKED, TaskMove.CODE_CHANGED): TaskState.LEASED,
}


def next_task_state(state: TaskState, move: TaskMove, *, run_id: str) -> TaskState:
    """Return the state after `move`, or raise `UsageError` naming the run when the move is illegal."""
    try:
        return TASK_MOVES[state, move]
    except KeyError:
        raise UsageError(
            f"Run {run_id}: its task is {state.value} and cannot be {move.value}. "
            "This is a bug in holdfast or a hand-edited database; please report it with the history."
        ) from None
