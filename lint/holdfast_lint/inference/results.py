"""What calls give whose inside is not analysed: built-ins and everything outside the project."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from holdfast_lint.dialect import Place
from holdfast_lint.inference.frame import Frame
from holdfast_lint.model import CollectionKind, Function
from holdfast_lint.values import (
    NOTHING,
    UNKNOWN,
    ClassRef,
    Collection,
    CollectionMethod,
    External,
    Instance,
    SuperRef,
    Value,
    Values,
    collection,
    external,
    join,
    one,
)

CONSTRUCTORS: dict[str, CollectionKind] = {
    "builtins.list": "list",
    "builtins.tuple": "tuple",
    "builtins.dict": "dict",
    "builtins.set": "set",
    "builtins.frozenset": "set",
    "collections.OrderedDict": "dict",
    "collections.defaultdict": "dict",
    "collections.deque": "list",
    "builtins.sorted": "list",
    "builtins.enumerate": "generator",
    "builtins.reversed": "generator",
    "builtins.iter": "generator",
    "builtins.filter": "generator",
    "asyncio.gather": "list",
}
# Which method these call on which object is not followed, and must not look as if it were.
OPAQUE = frozenset({"operator.methodcaller"})
TYPE_VARIABLES = frozenset({"typing.TypeVar", "typing_extensions.TypeVar"})
KEEPS_ORDER = frozenset({"builtins.sorted", "asyncio.gather"})
SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
VIEWS = frozenset({"values", "keys", "copy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Hold what a call hands over; `given` counts arguments that are not the literal None."""

    positional: tuple[Values, ...] = ()
    keywords: tuple[tuple[str, Values], ...] = ()
    starred: tuple[Values, ...] = ()
    given: int = 0

    def everything(self) -> Iterator[Values]:
        """Yield every argument."""
        yield from self.positional
        yield from (values for _, values in self.keywords)
        yield from self.starred

    def at(self, places: tuple[Place, ...]) -> Iterator[Values]:
        """Yield the arguments at some positions and keywords."""
        for place in places:
            if isinstance(place, str):
                yield self.keyword(place)
            elif place < len(self.positional):
                yield self.positional[place]

    def later(self) -> "Arguments":
        """Leave out the first one."""
        return replace(self, positional=self.positional[1:])

    def without(self, places: tuple[Place, ...]) -> "Arguments":
        """Leave out a function and what it will be called with, which stands behind it or is named."""
        first = min(place for place in places if isinstance(place, int))
        return Arguments(positional=self.positional[:first], given=self.given)

    def keyword(self, name: str) -> Values:
        """Give one keyword argument."""
        return dict(self.keywords).get(name, NOTHING)


def result_of_external(  # noqa: PLR0911 - one arm per kind
    frame: Frame, callee: External, arguments: Arguments
) -> Values:
    """Give what a call outside the project yields."""
    name, catalog = callee.name, frame.program.catalog
    first = arguments.positional[0] if arguments.positional else NOTHING
    if name in CONSTRUCTORS:
        items = join(element(value) for values in arguments.positional for value in values)
        held = items | join(values for _, values in arguments.keywords)
        if name == "asyncio.gather":
            held = join(arguments.everything())
        loose = any(isinstance(value, Collection) and value.unordered for value in first)
        kind = CONSTRUCTORS[name]
        return collection(
            kind, held, unordered=kind == "set" or (loose and name not in KEEPS_ORDER)
        )
    if name in OPAQUE:
        return UNKNOWN
    if name == "builtins.super" and not arguments.positional:
        return _super(frame)
    if name in {"builtins.next", "builtins.anext"}:
        return join(element(value) for value in first)
    if name in TYPE_VARIABLES:
        return _bound_of(frame, name, arguments)
    if name in catalog.first_argument:
        return first or frame.outside(f"{name}()")
    if name == "builtins.type" and len(arguments.positional) == 1:
        return join(
            one(ClassRef(definition=item.definition))
            for item in first
            if isinstance(item, Instance)
        )
    return frame.outside(f"{name}()", shared=callee.shared or frame.at_import)


def _bound_of(frame: Frame, name: str, arguments: Arguments) -> Values:
    """Let a type variable stand for the class of the project that bounds it."""
    limits = join([arguments.keyword("bound"), *arguments.positional[1:]])
    classes = frozenset(value for value in limits if isinstance(value, ClassRef))
    return classes or frame.outside(f"{name}()")


def element(value: Value) -> Values:
    """Give what iterating a value yields, as far as it shows without running code."""
    return value.items if isinstance(value, Collection) else NOTHING


def _super(frame: Frame) -> Values:
    scope = frame.scope
    while scope.owner is None and scope.parent is not None:
        scope = scope.parent
    if scope.owner is None or not isinstance(scope.node, Function) or not scope.node.parameters:
        return UNKNOWN
    receivers = frame.program.cells.read(scope.node, scope.node.parameters[0].name, frame.unit)
    known = [item for item in receivers if isinstance(item, Instance | ClassRef)]
    found = known or [Instance(definition=scope.owner)]
    return frozenset(SuperRef(definition=scope.owner, receiver=item) for item in found)


def result_of_collection(callee: CollectionMethod, arguments: Arguments) -> Values:
    """Give what a method of a built-in collection yields."""
    held = callee.collection
    if callee.name == "items":
        return collection("list", collection("tuple", held.items), unordered=held.unordered)
    if held.kind == "set" and callee.name in SET_METHODS:
        return one(held)
    if callee.name in VIEWS:
        return collection("list", held.items, unordered=held.unordered)
    if callee.name in {"get", "pop", "popleft", "popitem", "setdefault"}:
        return held.items | join(arguments.positional[1:])
    return external(f"builtins.{held.kind}().{callee.name}()")


def flat(parts: Iterable[Values]) -> Iterator[Value]:
    """Yield every value, and what collections among them hold."""
    for values in parts:
        for value in values:
            yield value
            if isinstance(value, Collection):
                yield from flat([value.items])
