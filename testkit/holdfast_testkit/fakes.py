"""Stand-ins for activities: what each call answers, and what it was called with."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from holdfast import ApplicationError
from holdfast.activity import Activity, define


class NotFakedError(AssertionError):
    """Report an activity that a simulated workflow called and that has no fake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    give: Callable[..., Any]


@dataclass(slots=True)
class Fake:
    """Answer the calls of one activity: each `returns`, `raises` or `runs` is for one attempt, the last for all others.

    `calls` holds the arguments of every attempt, retries included.
    """

    name: str
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    _answers: list[_Answer] = field(default_factory=list)

    def returns(self, value: Any) -> Self:
        """Let the next attempt return a value; it is encoded by the activity's own type."""
        return self.runs(lambda *_args: value)

    def raises(self, error: Exception) -> Self:
        """Let the next attempt fail; its retry policy decides what follows."""

        def fail(*_args: Any) -> Any:
            raise error

        return self.runs(fail)

    def times_out(self) -> Self:
        """Let the next attempt end by its time limit."""
        return self.raises(TimeoutError("simulated: no result in time"))

    def runs(self, function: Callable[..., Any]) -> Self:
        """Let the next attempt call a function with the activity's arguments."""
        self._answers.append(_Answer(give=function))
        return self

    def answer(self, args: tuple[Any, ...]) -> Any:
        """Answer one attempt."""
        self.calls.append(args)
        if not self._answers:
            raise NotFakedError(
                f"The fake of {self.name} has no answer. Give it one: sim.fake({self.name}).returns(…)."
            )
        return self._answers[min(len(self.calls), len(self._answers)) - 1].give(*args)


def replaced(
    activity: Activity[..., Any], answer: Callable[[tuple[Any, ...]], Any]
) -> Activity[..., Any]:
    """Return an activity of the same name and types that answers by `answer`."""

    @functools.wraps(activity.fn)  # the types of the original decide how values are encoded
    async def fake(*args: Any) -> Any:
        return answer(args)

    made: Activity[..., Any] = define(name=activity.name)(fake)
    return made


def refusing(activity: Activity[..., Any], missing: list[str]) -> Activity[..., Any]:
    """Return an activity that notes that it has no fake, and fails."""

    def refuse(_args: tuple[Any, ...]) -> Any:
        missing.append(activity.name)
        raise ApplicationError(f"{activity.name} has no fake", non_retryable=True)

    return replaced(activity, refuse)
