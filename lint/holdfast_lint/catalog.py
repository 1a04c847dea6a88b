"""Known effects of the standard library and of common packages, loaded from the tables in `effects/`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from holdfast_lint.dialectbook import load_dialects

# What follows a name to build a longer one: an attribute, a call, an item.
STEPS = ".(["


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Say which rule a name breaks and what to do instead.

    `pure_from` is the number of arguments from which a call no longer has the effect, such as a clock function that
    is handed a time. `shared_only` restricts it to objects made at import time.
    """

    rule: str
    remedy: str
    pure_from: int | None
    shared_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Hold the tables; every key is a name as `values.External` writes it, or such a name with a final `.*`."""

    calls: Mapping[str, Effect]
    reads: Mapping[str, Effect]
    writes: Mapping[str, Effect]
    pure: frozenset[str]
    same: Mapping[str, str]
    gives: Mapping[str, str]
    first_argument: frozenset[str]
    beginnings: frozenset[str]
    declared: Mapping[str, Effect | None] = field(default_factory=dict)

    def canonical(self, name: str) -> str:
        """Give the name under which the tables know a thing: other spellings and known result types are replaced."""
        for head in prefixes(name):
            other = self.same.get(head) or self.gives.get(head)
            if other is not None:
                return self.canonical(other + name[len(head) :])
        return name

    def effect_of_call(self, name: str, *, arguments: int, shared: bool) -> Effect | None:
        """Find the effect of calling `name` with that many arguments."""
        effect = None if name in self.pure else _find(self.calls, name)
        if effect is None or (effect.shared_only and not shared):
            return None
        return None if effect.pure_from is not None and arguments >= effect.pure_from else effect

    def effect_of_read(self, name: str) -> Effect | None:
        """Find the effect of merely touching `name`."""
        return self.reads.get(name)

    def effect_of_write(self, name: str) -> Effect | None:
        """Find the effect of assigning to an item of `name`."""
        return self.writes.get(name)

    def tracks(self, name: str) -> bool:
        """Tell whether a table says something about `name`, or about a longer name that begins with it."""
        return name in self.beginnings or _find(self.calls, name) is not None

    def declaring(self, effects: Mapping[str, str]) -> "Catalog":
        """Add what a project says of functions, its own and others': the code of a rule each, or `pure`."""
        remedies = {effect.rule: effect.remedy for effect in reversed(list(self.calls.values()))}
        declared = {
            name: None
            if code == "pure"
            else Effect(
                rule=code, remedy=remedies.get(code, "activity"), pure_from=None, shared_only=False
            )
            for name, code in effects.items()
        }
        calls = {name: effect for name, effect in declared.items() if effect is not None}
        return replace(
            self,
            calls={**self.calls, **calls},
            pure=self.pure.difference(calls) | {name for name in declared if name not in calls},
            beginnings=self.beginnings.union(*map(prefixes, declared)),
            declared=declared,
        )

    def knows(self, name: str) -> bool:
        """Tell whether some table mentions exactly this name."""
        return any(
            name in table for table in (self.calls, self.reads, self.pure, self.same, self.gives)
        )


@cache
def load_catalog() -> Catalog:
    """Read every table once."""
    calls: dict[str, Effect] = {}
    reads: dict[str, Effect] = {}
    writes: dict[str, Effect] = {}
    same: dict[str, str] = {}
    gives: dict[str, str] = {}
    pure: set[str] = set()
    first: set[str] = set()
    dialects = load_dialects()
    same.update(dialects.same)
    gives.update(dialects.gives)
    for table in _tables():
        for entry in table.get("effect", ()):
            effect = _effect(entry)
            calls.update(dict.fromkeys(entry.get("calls", ()), effect))
            reads.update(dict.fromkeys(entry.get("reads", ()), effect))
            writes.update(dict.fromkeys(entry.get("writes", ()), effect))
        same.update(table.get("same", {}))
        gives.update(table.get("gives", {}))
        pure.update(table.get("pure", ()))
        first.update(table.get("first_argument", ()))
    named = (*calls, *reads, *writes, *same, *gives, *gives.values(), *pure, *first)
    return Catalog(
        calls=calls,
        reads=reads,
        writes=writes,
        pure=frozenset(pure),
        same=same,
        gives=gives,
        first_argument=frozenset(first),
        beginnings=frozenset(part for name in named for part in prefixes(name.removesuffix(".*"))),
    )


def _tables() -> Iterator[dict[str, Any]]:
    folder = files("holdfast_lint").joinpath("effects")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        yield tomllib.loads(file.read_text(encoding="utf-8"))


def _effect(entry: Mapping[str, Any]) -> Effect:
    return Effect(
        rule=entry["rule"],
        remedy=entry["remedy"],
        pure_from=entry.get("pure_from"),
        shared_only=entry.get("shared_only", False),
    )


def _find(table: Mapping[str, Effect], name: str) -> Effect | None:
    """Look for the name, then for a pattern of an attribute path above it.

    A pattern does not reach through a call: `openai.OpenAI().*` covers `openai.OpenAI().chat.completions.create`, but
    not a method of what that call gives.
    """
    if name in table:
        return table[name]
    for head in prefixes(name):
        if "(" in name[len(head) :]:
            return None
        if f"{head}.*" in table:
            return table[f"{head}.*"]
    return None


def prefixes(name: str) -> Iterator[str]:
    """Yield `name` and the shorter names it is built on, longest first: `a.b().c` → `a.b()` → `a.b` → `a`."""
    yield name
    for place in range(len(name) - 1, 0, -1):
        if name[place] in STEPS:
            yield name[:place]
