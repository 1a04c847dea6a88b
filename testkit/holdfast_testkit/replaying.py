"""Assert that a recorded history replays on today's code."""

from pathlib import Path
from typing import Any, Literal

from holdfast.history import History, load_history
from holdfast.replay import ReplayResult, confirm, replay
from holdfast.workflow import Workflow

Drift = Literal["error", "warn", "ignore"]


def assert_replays(
    history: History | Path, workflow: Workflow[Any, Any] | None = None, *, drift: Drift = "error"
) -> ReplayResult:
    """Replay a history, or raise `NondeterminismError` with the report of the first difference.

    Args:
        history: The history, or the file that holds it.
        workflow: The code; by default what the history names.
        drift: Whether other arguments, durations and results are errors too.
    """
    recorded = load_history(history) if isinstance(history, Path) else history
    result = confirm(recorded, replay(recorded, workflow), workflow)
    result.raise_for_difference(drift=drift == "error")
    return result
