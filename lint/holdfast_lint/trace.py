"""What running a function in the abstract has shown: its calls, their targets, effects and values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from holdfast_lint.catalog import Effect
from holdfast_lint.model import Call, Expression, Function, Span
from holdfast_lint.values import NOTHING, ActivityRef, External, Unknown, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSite:
    """Be one place with a known effect, and how the code brings it about."""

    span: Span
    name: str
    effect: Effect
    how: Literal["call", "read", "write"]


@dataclass(slots=True, kw_only=True)
class Trace:
    """Gather the facts of one function; a second run of the same code only adds."""

    edges: dict[Function, Span] = field(default_factory=dict)
    callees: dict[Call, Values] = field(default_factory=dict)
    values: dict[Expression, Values] = field(default_factory=dict)
    effects: dict[tuple[int, int, str], EffectSite] = field(default_factory=dict)

    def add_edge(self, function: Function, span: Span) -> None:
        """Note that code at `span` runs `function`; the first place is kept."""
        known = self.edges.get(function)
        if known is None or span < known:
            self.edges[function] = span

    def add_effect(self, site: EffectSite) -> None:
        """Note an effect.

        `os.environ.update(...)` touches `os.environ` first: a call takes the place of a touch at the same spot.
        """
        start = (site.span.line, site.span.column)
        at_start = [key for key in self.effects if key[:2] == start]
        if site.how != "read":
            for key in at_start:
                if self.effects[key].how == "read":
                    del self.effects[key]
        elif any(self.effects[key].how != "read" for key in at_start):
            return
        self.effects.setdefault((*start, site.effect.rule), site)

    def values_of(self, expression: Expression) -> Values:
        """Give what an expression may stand for."""
        return self.values.get(expression, NOTHING)

    def activities_of(self, call: Call) -> tuple[ActivityRef, ...]:
        """Give the activities that a call is of; nothing unless every target is an activity."""
        targets = self.callees.get(call, NOTHING)
        activities = tuple(target for target in targets if isinstance(target, ActivityRef))
        return activities if len(activities) == len(targets) else ()

    def names_of(self, call: Call) -> Iterator[str]:
        """Name the things outside the project that a call may reach."""
        for target in self.callees.get(call, NOTHING):
            if isinstance(target, External):
                yield target.name

    def is_resolved(self, call: Call) -> bool:
        """Tell whether some target of a call is known; calling None shows that something else is put there."""
        return any(
            not isinstance(target, Unknown) and target != External(name="builtins.NoneType()")
            for target in self.callees.get(call, NOTHING)
        )


def title_of(activity: ActivityRef) -> str:
    """Name an activity; one that a decorator of the project builds has no name yet."""
    return activity.function.name if activity.function else "activity"
