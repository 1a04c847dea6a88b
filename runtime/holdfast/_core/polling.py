"""The answers to one approval, as they come in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from holdfast.history import Answer, ApprovalDecided, ApprovalExpired, Json


@dataclass(slots=True)
class Poll:
    """Collect the answers to one approval, each decoded and with the event that brought it.

    `wanted` is how many there must be; `expired` that time was up before.
    """

    wanted: int
    answers: list[tuple[ApprovalDecided, Any]] = field(default_factory=list)
    expired: bool = False

    @property
    def complete(self) -> bool:
        """Tell whether nothing more is to come."""
        return self.expired or len(self.answers) >= self.wanted

    def add(self, event: Answer, decode: Callable[[Json], Any]) -> bool:
        """Take an event in, and tell whether it was the last one."""
        match event:
            case ApprovalDecided():
                self.answers.append((event, decode(event.answer)))
            case ApprovalExpired():
                self.expired = True
            case _:
                return True  # not what was asked for: the commands of this turn will differ
        return self.complete
