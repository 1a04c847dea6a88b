"""Everything that was analysed, for rules that need to look beyond one function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from holdfast_lint.dialect import Dialects, Kind, Role
from holdfast_lint.model import Function
from holdfast_lint.project import Project
from holdfast_lint.trace import Trace


class Reach(Protocol):
    """Hold functions with a role, and what runs inside each of them.

    `parents` maps each of them to the functions that it can run, and each of those to the one that calls it first.
    """

    @property
    def roles(self) -> Mapping[Function, Role]:
        """Give the functions that a library calls."""

    @property
    def traces(self) -> Mapping[Function, Trace]:
        """Give what running each function has shown."""

    @property
    def parents(self) -> Mapping[Function, Mapping[Function, Function | None]]:
        """Give the paths from each function with a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Hold the project, its entries, and its steps: activities, and functions whose result an operation records."""

    project: Project
    dialects: Dialects
    entries: Reach
    steps: Reach

    def kinds_of(self, function: Function) -> frozenset[Kind]:
        """Give the kinds of the entries that run a function."""
        entries = self.entries
        return frozenset(
            role.kind for entry, role in entries.roles.items() if function in entries.parents[entry]
        )

    def roots_of(self, function: Function, *kinds: str) -> tuple[Function, ...]:
        """List the entries of some kinds that run a function, in source order."""
        return tuple(
            entry
            for entry, role in self.entries.roles.items()
            if role.kind in kinds and function in self.entries.parents[entry]
        )
