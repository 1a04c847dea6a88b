"""Undoing steps of a workflow. `holdfast.workflow` is the public name of what is here."""

from collections.abc import Coroutine
from typing import Any, ParamSpec, Protocol

from holdfast._core.execution import required
from holdfast._core.saga import Compensation
from holdfast._registry import ActivityDefinition
from holdfast.errors import ActivityError, ArgumentError

__all__ = ["Compensation", "Undoing", "compensate", "roll_back"]

P = ParamSpec("P")


class Undoing(Protocol[P]):
    """Be an activity, as far as registering it as a compensation goes."""

    @property
    def definition(self) -> ActivityDefinition:
        """Return what it is."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, Any]:
        """Say what its arguments are."""
        ...


def compensate(activity: Undoing[P], /, *args: P.args, **kwargs: P.kwargs) -> Compensation:
    """Register an activity that undoes a step, to be carried out if the run ends without a result.

    When the run fails, is cancelled, is terminated or runs out of time, what it has registered is carried out, the
    last first and one after the other; when it completes or continues as new, it is forgotten. Register *before* the
    step if the step may have happened although it failed: the activity must then bear that there is nothing to undo.
    """
    execution = required("workflow.compensate()")
    definition = getattr(activity, "definition", None)
    if not isinstance(definition, ActivityDefinition):
        raise ArgumentError(
            f"workflow.compensate({activity!r}): expected an activity and its arguments, "
            "as in workflow.compensate(refund, order)."
        )
    encoded = execution.encoding.args(definition.signature, args, kwargs)
    return execution.saga.register(definition, encoded)


async def roll_back() -> list[ActivityError]:
    """Carry out the compensations registered so far, the last first, and forget them.

    Returns the errors of those that failed for good: the others are carried out all the same. A cancellation does not
    interrupt it: it is raised when the last one is done.
    """
    return await required("workflow.roll_back()").saga.roll_back()
