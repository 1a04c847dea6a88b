"""What a run is given at its start, and the ways in which applying an event can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class EvictedError(BaseException):
    """Stop clean-up code of an evicted run from asking for commands; user code must not catch it."""


class OrphanEventError(Exception):
    """Report an inbound event for a command that the code never issued."""


class WorkflowBugError(Exception):
    """Report an error of workflow code that is not a decision to fail the run; its cause is the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Hold what a run is given at its start."""

    run_id: str
    seed: str
    patches: frozenset[tuple[str, str | None]] = frozenset()
    reopened: frozenset[int] = frozenset()  # turns whose decision was put back to the person
    quorums: Mapping[int, int] = field(default_factory=dict)  # by approval: as people were asked
