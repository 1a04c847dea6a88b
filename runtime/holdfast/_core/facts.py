"""What a run is given at its start, and the ways in which applying an event can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.errors import PayloadError
from holdfast.history import SignalReceived, StartChild


class EvictedError(BaseException):
    """Stop clean-up code of an evicted run from asking for commands; user code must not catch it."""


class UnreadableLetterError(PayloadError):
    """Report a signal that does not decode as the type for which the code receives it."""

    def __init__(self, message: str, *, letter: SignalReceived) -> None:
        super().__init__(message)
        self.letter = letter


def note_type(types: dict[str, Any], name: str, declared: Any) -> None:
    """Note the type of a message; one that is declared in two ways may be anything."""
    known = types.setdefault(name, declared)
    if repr(known) != repr(declared):
        types[name] = Any


class OrphanEventError(Exception):
    """Report an inbound event for a command that the code never issued."""


class WorkflowBugError(Exception):
    """Report an error of workflow code that is not a decision to fail the run; its cause is the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Hold what a run is given at its start, and what its history and its claim say.

    `patches` are those that the history has taken. `active` are the ids that the run may take from here on; None when
    nothing holds one back.
    """

    run_id: str
    seed: str
    patches: frozenset[tuple[str, str | None]] = frozenset()
    active: frozenset[str] | None = None
    reopened: frozenset[int] = frozenset()  # turns whose decision was put back to the person
    children: Mapping[int, str] = field(default_factory=dict)  # by command: those a fork shares
    discarded: frozenset[int] = frozenset()  # turns of signals that are not to be read
    quorums: Mapping[int, int] = field(default_factory=dict)  # by approval: as people were asked

    def child_id(self, command: StartChild) -> str:
        """Return the id of a child, which comes from its parent unless it was given one."""
        shared = self.children.get(command.seq)
        return shared or command.child or f"{self.run_id}.{command.seq}"
