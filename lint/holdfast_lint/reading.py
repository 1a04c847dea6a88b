"""Reading code as rules do: what stands around a node, and what a call is handed."""

from collections.abc import Iterable, Iterator, Sequence

from holdfast_lint import model
from holdfast_lint.dialect import Operation, Place
from holdfast_lint.model import Argument, Call, Class, Expression, Function, Node
from holdfast_lint.module import children, walk
from holdfast_lint.rule import View


def nodes(body: Iterable[Node]) -> Iterator[Node]:
    """Yield everything inside some statements, but not the bodies of nested functions and classes."""
    for statement in body:
        yield from walk(statement)


def nested(body: Iterable[Node]) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Yield the same with what stands around each node, the nearest last."""
    pending: list[tuple[Node, tuple[Node, ...]]] = []
    pending.extend((item, ()) for item in reversed(tuple(body)))
    while pending:
        node, around = pending.pop()
        yield node, around
        inner = [item for item in children(node) if not isinstance(item, Function | Class)]
        pending.extend((item, (*around, node)) for item in reversed(inner))


def operation_of(view: View, call: Call) -> Operation | None:
    """Give the durable operation that a call is, if it is one."""
    for name in sorted(view.trace.names_of(call)):
        operation = view.dialect.operations.get(name)
        if operation is not None:
            return operation
    return None


def operations(view: View) -> Iterator[tuple[Call, Operation, tuple[Node, ...]]]:
    """Yield the durable operations of a function with what stands around each."""
    for node, around in nested(view.function.body):
        if isinstance(node, Call) and (operation := operation_of(view, node)) is not None:
            yield node, operation, around


def argument(call: Call, places: Sequence[Place]) -> Expression | None:
    """Give the argument at the first of some positions and keywords that is written out."""
    for place in places:
        if isinstance(place, int):
            plain = [item for item in call.arguments if item.keyword is None]
            if place < len(plain) and not any(item.star for item in plain[: place + 1]):
                return plain[place].value
        else:
            for item in call.arguments:
                if item.keyword == place:
                    return item.value
    return None


def is_open(call: Call) -> bool:
    """Tell whether a call is handed arguments that do not show, as with `**options`."""
    return any(item.star for item in call.arguments)


def is_none(expression: Expression | None) -> bool:
    """Tell the literal None."""
    return isinstance(expression, model.Constant) and expression.kind == "NoneType"


def names_in(node: Node) -> Iterator[str]:
    """Yield the names and attributes that a node reads, also inside its lambdas, and the text of its strings."""
    for item in walk(node):
        match item:
            case model.Name(id=name) | model.Attribute(name=name):
                yield name
            case model.Constant(kind="str", text=text) if text is not None:
                yield text
            case Argument(keyword=keyword) if keyword is not None:
                yield keyword
            case model.Lambda(function=function):
                for statement in function.body:
                    yield from names_in(statement)


def bound_to(call: Node, around: Sequence[Node]) -> str | None:
    """Name the variable or attribute that keeps what a call gives, awaited or not."""
    held: Node = call
    for node in reversed(around):
        match node:
            case model.Await() | model.Yield():
                held = node
            case model.Assign(targets=(model.Name(id=name),), value=value) if value is held:
                return name
            case model.Assign(targets=(model.Attribute(name=name),), value=value) if value is held:
                return name
            case model.Bind(target=model.Name(id=name), value=value) if value is held:
                return name
            case _:
                return None
    return None


def same(one: object, other: object) -> bool:
    """Tell whether two pieces of code say the same, wherever they stand."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is not type(other):
        return False
    slots = getattr(one, "__slots__", None)
    if slots is None or isinstance(one, str):
        return one == other
    return all(same(getattr(one, slot), getattr(other, slot)) for slot in slots if slot != "span")
