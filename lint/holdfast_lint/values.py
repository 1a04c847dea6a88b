"""What an expression may stand for: a closed union of abstract values, joined by set union."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast_lint.dialect import Role
from holdfast_lint.model import Class, CollectionKind, Function

DEEPEST_NESTING = 2
# Beyond so many possibilities only those from the project are told apart.
WIDEST = 32
# The name of an object from outside the project of which no table says anything.
OBJECT = "<object>"


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Be something that the project does not define.

    The name is written as the code that gives it, from the import on: `datetime.datetime.now`, and with `()` for what
    a call gave: `httpx.AsyncClient().get`. `shared` marks what was made at import time, once for all runs.
    """

    name: str
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRef:
    """Be a module of the project, or a folder of modules without `__init__.py`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRef:
    """Be a function of the project.

    `decorates` are functions that this one wraps, so calling it calls them. `passed` marks a function that came in as
    an argument: whoever passed it is already connected to it, so a call through the parameter adds no path.
    `receiver` is what a call puts in front of its arguments: an object, a class, or the context of a child scope.
    """

    function: Function
    receiver: "Instance | ClassRef | External | None" = None
    binding: Literal["plain", "static", "class", "property"] = "plain"
    decorates: tuple[Function, ...] = ()
    passed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRef:
    """Be a class of the project."""

    definition: Class


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Be an object of a class of the project; `decorates` as for a function."""

    definition: Class
    decorates: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperRef:
    """Be `super()` inside a method of `definition`, called on `receiver`."""

    definition: Class
    receiver: "Instance | ClassRef"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRef:
    """Be an activity; its function is unknown while a decorator of the project builds it."""

    function: Function | None
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRef:
    """Be a workflow or a handler; its function is unknown while a decorator of the project builds it."""

    function: Function | None
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebinding:
    """Be a method of an activity that gives the activity again, such as `with_options`."""

    activity: ActivityRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoratee:
    """Be whatever function a decorator of the project is applied to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Be a built-in collection; `unordered` when iterating it follows hashes, as in a set or a list made of one."""

    kind: CollectionKind
    items: "frozenset[Value]"
    unordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionMethod:
    """Be a bound method of a built-in collection."""

    collection: Collection
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Be anything."""


Value: TypeAlias = (
    External
    | ModuleRef
    | FunctionRef
    | ClassRef
    | Instance
    | SuperRef
    | ActivityRef
    | WorkflowRef
    | Rebinding
    | Decoratee
    | Collection
    | CollectionMethod
    | Unknown
)
Values: TypeAlias = frozenset[Value]

NOTHING: Values = frozenset()
UNKNOWN: Values = frozenset({Unknown()})


# Stands for more possibilities from outside the project than are worth telling apart.
MANY = External(name=OBJECT, shared=True)
FROM_PROJECT = (
    FunctionRef,
    ClassRef,
    Instance,
    ActivityRef,
    WorkflowRef,
    ModuleRef,
    Rebinding,
    Unknown,
)


def one(value: Value) -> Values:
    """Hold a single possibility."""
    return frozenset({value})


def join(parts: Iterable[Values]) -> Values:
    """Hold every possibility of every part."""
    return frozenset().union(*parts)


def external(name: str, *, shared: bool = False) -> Values:
    """Name something outside the project."""
    return one(External(name=name, shared=shared))


def collection(kind: CollectionKind, items: Values, *, unordered: bool | None = None) -> Values:
    """Build a collection value; items nested too deeply are forgotten."""
    kept = frozenset(item for item in items if _depth(item) < DEEPEST_NESTING)
    loose = kind == "set" if unordered is None else unordered
    return one(Collection(kind=kind, items=narrowed(kept), unordered=loose))


def narrowed(values: Values) -> Values:
    """Bound the number of possibilities.

    `MANY` takes the place of what is dropped and of all that would come later, so that a bounded set never shrinks
    and grows in turns.
    """
    if len(values) <= WIDEST and MANY not in values:
        return values
    return frozenset(value for value in values if isinstance(value, FROM_PROJECT)) | {MANY}


def merged(values: Values) -> Values:
    """Make one collection of those of the same kind, so that a growing list stays a single possibility."""
    held = [value for value in values if isinstance(value, Collection)]
    if len(held) < 2:  # noqa: PLR2004 - one has nothing to merge with
        return values
    grown: dict[tuple[CollectionKind, bool], Values] = {}
    for value in held:
        key = (value.kind, value.unordered)
        grown[key] = grown.get(key, NOTHING) | value.items
    others = values.difference(held)
    return others.union(
        *(
            collection(kind, merged(items), unordered=loose)
            for (kind, loose), items in grown.items()
        )
    )


def instance_of(kind: str) -> Values:
    """Hold an object of a built-in type."""
    return one(External(name=f"builtins.{kind}()"))


def is_unordered(values: Values) -> bool:
    """Tell whether iterating may follow hashes."""
    return any(isinstance(value, Collection) and value.unordered for value in values)


def is_surely_unordered(values: Values) -> bool:
    """Tell whether iterating follows hashes whatever the value turns out to be."""
    return bool(values) and all(
        isinstance(value, Collection) and value.unordered for value in values
    )


def _depth(value: Value) -> int:
    if not isinstance(value, Collection):
        return 0
    return 1 + max((_depth(item) for item in value.items), default=0)
