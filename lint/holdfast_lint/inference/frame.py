"""The state of one run over one function, module or class body."""

import re
from dataclasses import dataclass, field

from holdfast_lint.catalog import Catalog
from holdfast_lint.dialect import Dialects
from holdfast_lint.inference.cells import Cells, Unit
from holdfast_lint.model import Class, Function, Span
from holdfast_lint.module import Module
from holdfast_lint.project import Project
from holdfast_lint.scopes import Scope
from holdfast_lint.trace import EffectSite, Trace
from holdfast_lint.values import OBJECT, Values, external

LONGEST = 3
DEEPEST = 12
BUILT_IN = re.compile(r"builtins\.\w+\(\)(\.\w+)?")
DOTTED = re.compile(r"\w+(\.\w+){0,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Hold what all runs share."""

    project: Project
    catalog: Catalog
    dialects: Dialects
    cells: Cells


@dataclass(slots=True, kw_only=True)
class Frame:
    """Hold what one run knows.

    `local` maps names to what they stand for at this point of the code. `making` holds the classes whose field
    factories are running: two classes may name each other as factory. `loops` counts the loops around this point.
    `excused` counts the blocks around this point in which the library lets code do what it likes.
    """

    program: Program
    unit: Unit
    scope: Scope
    trace: Trace
    local: dict[str, Values]
    making: set[Class] = field(default_factory=set)
    loops: int = 0
    excused: int = 0

    @property
    def at_import(self) -> bool:
        """Tell code that runs once per process from code that runs per workflow."""
        return isinstance(self.unit, Module)

    def outside(self, name: str, *, shared: bool = False) -> Values:
        """Give a thing from outside the project, under the name that the tables know it by.

        Names grow with the code: a loop that says `x = x.next()` would never end. So objects that no table mentions
        share one name, and only paths of modules, built-in types and the workflow library keep theirs.
        """
        program = self.program
        known = program.catalog.canonical(name)
        kept = (
            program.catalog.tracks(known)
            or _is_plain(known)
            or (
                program.dialects.owns(known)
                and known.count("()") < LONGEST
                and known.count(".") < DEEPEST
            )
        )
        return external(known if kept else OBJECT, shared=shared)

    def add_effect(self, site: EffectSite) -> None:
        """Note an effect, unless the code around it is excused."""
        if not self.excused:
            self.trace.add_effect(site)

    def add_edge(self, function: Function, span: Span) -> None:
        """Note that code at `span` runs `function`, unless the code around it is excused."""
        if not self.excused:
            self.trace.add_edge(function, span)

    def bind(self, name: str, values: Values) -> None:
        """Give a name its value here, and let nested functions and other modules see it."""
        home = self.scope.home(name)
        if home is None:
            return
        if home is self.scope:
            self.local[name] = values
        self.program.cells.write(home.node, name, values)


def _is_plain(name: str) -> bool:
    return DOTTED.fullmatch(name) is not None or BUILT_IN.fullmatch(name) is not None
