"""Durable calls that follow the order of a set."""

from collections.abc import Iterable, Iterator

from holdfast_lint import model
from holdfast_lint.model import Call, CollectionKind, Expression, Node
from holdfast_lint.module import walk
from holdfast_lint.rule import Hit, View
from holdfast_lint.values import Collection, is_surely_unordered, is_unordered

ADVICE = "loop over `sorted(...)`, or keep the items in a list or dict, which have an order"


def check(view: View) -> Iterator[Hit]:
    """Find loops over a set that await or schedule an activity, and arguments that a set's order decides."""
    for statement in view.function.body:
        for node in walk(statement):
            match node:
                case model.For(iterable=iterable, body=body):
                    yield from _loop(view, iterable, body)
                case model.Comprehension(clauses=clauses, items=items):
                    for clause in clauses:
                        yield from _loop(view, clause.iterable, items)
                case model.Call(arguments=arguments) if _schedules(view, node):
                    for argument in arguments:
                        if _follows(view, argument):
                            span = argument.value.span
                            yield Hit(span=span, message=HANDED, advice=ADVICE_HANDED)


def _loop(view: View, iterable: model.Expression, body: Iterable[Node]) -> Iterator[Hit]:
    loose = is_unordered(view.trace.values_of(iterable))
    if loose and any(_is_durable(view, node) for inner in body for node in walk(inner)):
        does = "awaits" if view.dialect.waits == "await" else "makes durable calls"
        yield Hit(span=iterable.span, message=MESSAGE.format(does=does), advice=ADVICE)


def _is_durable(view: View, node: Node) -> bool:
    return view.pauses(node) or (isinstance(node, model.Call) and view.schedules(node))


def _schedules(view: View, call: Call) -> bool:
    gathered = "asyncio.gather" in view.trace.names_of(call)
    return gathered or view.schedules(call)


def _follows(view: View, argument: model.Argument) -> bool:
    if argument.star == "":
        return _is_decided(view, argument.value)
    return argument.star == "*" and _is_loose(view, argument.value) and not _loops(view, argument)


def _is_decided(view: View, value: Expression) -> bool:
    """Tell whether a value depends on the order of what surely is a set; a set handed over as such does not."""
    match value:
        case model.Call(function=model.Attribute(base=base, name="pop"), arguments=()):
            return _is_loose(view, base) and _has_kind(view, base, "set")
        case model.Call(
            function=model.Attribute(name="join"), arguments=(model.Argument(value=inner),)
        ):
            return _is_loose(view, inner)
        case model.Call(arguments=(model.Argument(value=inner), *_)) if _takes_first(view, value):
            return _is_loose(view, inner)
        case _:
            return _is_loose(view, value) and not _has_kind(view, value, "set", "dict")


def _loops(view: View, argument: model.Argument) -> bool:
    """Tell what is reported as a loop already."""
    match argument.value:
        case model.Comprehension(clauses=clauses):
            return any(is_unordered(view.trace.values_of(clause.iterable)) for clause in clauses)
        case _:
            return False


def _is_loose(view: View, value: Expression) -> bool:
    return is_surely_unordered(view.trace.values_of(value))


def _takes_first(view: View, call: Call) -> bool:
    return "builtins.next" in view.trace.names_of(call)


def _has_kind(view: View, value: Expression, *kinds: CollectionKind) -> bool:
    values = view.trace.values_of(value)
    return any(isinstance(item, Collection) and item.kind in kinds for item in values)


MESSAGE = "this loop {does} in the order of a set, and that order differs from process to process"
HANDED = (
    "this argument depends on the order of a set, and that order differs from process to process"
)
ADVICE_HANDED = "put the items in order first, with `sorted(...)`"
