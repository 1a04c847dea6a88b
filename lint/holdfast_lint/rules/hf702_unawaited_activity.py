"""Activities that are called but never awaited."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Call, Expression, Function, Node
from holdfast_lint.module import walk
from holdfast_lint.rule import Hit, Rule, View

ADVICE = "write `await` in front of the call, or hand it to `asyncio.gather` or a task group"
COLLECTS = frozenset({"add", "append", "appendleft", "extend", "insert"})


def check(view: View) -> Iterator[Hit]:
    """Find activity calls whose awaitable is dropped, kept in a name that nothing reads, or taken for a result."""
    read = frozenset(_read_names(view.function))
    for statement in view.function.body:
        for node in walk(statement):
            match node:
                case model.Evaluate(value=value):
                    yield from _dropped(view, value, read)
                case model.Assign(targets=(model.Name(id=name),), value=value) if value is not None:
                    yield from _kept(view, name, value, read)
                case _:
                    yield from _mistaken(view, node)


def _dropped(view: View, value: Expression, read: frozenset[str]) -> Iterator[Hit]:
    for call in _pending(value):
        yield from _hit(view, call, "is called but never awaited, so it never runs")
    match value:
        case model.Call(
            function=model.Attribute(base=model.Name(id=name), name=method), arguments=arguments
        ):
            if method in COLLECTS:
                for argument in arguments:
                    yield from _kept(view, name, argument.value, read)


def _kept(view: View, name: str, value: Expression, read: frozenset[str]) -> Iterator[Hit]:
    if name in read or name not in _local_names(view.function):
        return
    for call in _pending(value):
        yield from _hit(
            view, call, f"is kept in `{name}`, which is never awaited, so it never runs"
        )


def _mistaken(view: View, node: Node) -> Iterator[Hit]:
    """Find an awaitable in a place that needs the result."""
    for operand in _operands(node):
        if isinstance(operand, Call):
            yield from _hit(
                view, operand, "is used as if it were its result, but it was not awaited"
            )


def _operands(node: Node) -> tuple[Expression, ...]:
    match node:
        case model.Attribute(base=value) | model.Subscript(base=value):
            return (value,)
        case model.If(test=value) | model.While(test=value) | model.For(iterable=value):
            return (value,)
        case model.Operation(kind="binary" | "test" | "text", operands=operands):
            return operands
        case model.Operation(kind="choice", operands=(test, *_)):
            return (test,)
        case _:
            return ()


def _hit(view: View, call: Call, problem: str) -> Iterator[Hit]:
    names = view.trace.activities_of(call)
    if names:
        yield Hit(span=call.span, message=f"the activity `{names[0]}` {problem}", advice=ADVICE)
        return
    for name in view.trace.names_of(call):
        if view.dialect.is_awaitable(name):
            shown = name.removeprefix("holdfast.").replace("()", "")
            yield Hit(span=call.span, message=f"`{shown}` {problem}", advice=ADVICE)
            return


def _pending(value: Expression) -> Iterator[Call]:
    """Find the calls that make up a value without being awaited on the way."""
    match value:
        case model.Call():
            yield value
        case model.Display(items=items) | model.Comprehension(items=items):
            for item in items:
                yield from _pending(item)
        case model.Operation(kind="choice", operands=(_, *branches)):
            for branch in branches:
                yield from _pending(branch)
        case model.Operation(kind="either" | "star", operands=operands):
            for operand in operands:
                yield from _pending(operand)


def _read_names(function: Function) -> Iterator[str]:
    """Name what a function and the functions inside it read, apart from adding to a collection."""
    written = {target for node in _everything(function) for target in _written(node)}
    for node in _everything(function):
        if isinstance(node, model.Name) and node not in written:
            yield node.id


def _written(node: Node) -> tuple[Expression, ...]:
    match node:
        case model.Assign(targets=targets) | model.Delete(targets=targets):
            return targets
        case model.For(target=target) | model.Clause(target=target):
            return (target,)
        case model.Evaluate(value=model.Call(function=model.Attribute(base=base, name=name))) if (
            name in COLLECTS
        ):
            return (base,)
        case _:
            return ()


def _everything(function: Function) -> Iterator[Node]:
    for statement in function.body:
        for node in walk(statement):
            yield node
            if isinstance(node, model.Lambda):
                yield from _everything(node.function)
            elif isinstance(node, model.Define) and isinstance(node.definition, Function):
                yield from _everything(node.definition)


def _local_names(function: Function) -> frozenset[str]:
    nodes = [node for statement in function.body for node in walk(statement)]
    outer = {name for node in nodes if isinstance(node, model.Declare) for name in node.names}
    assigned = {
        target.id
        for node in nodes
        if isinstance(node, model.Assign)
        for target in node.targets
        if isinstance(target, model.Name)
    }
    return frozenset(assigned - outer)


RULE = Rule(
    code="HF702",
    name="unawaited-activity",
    what=(
        "A workflow calls an activity, or starts a durable wait, and never awaits it: the call stands alone, its "
        "awaitable is kept in a name that nothing reads, or it is used as if it were the result."
    ),
    why=(
        "Calling an activity gives an awaitable. Until that is awaited nothing is scheduled, so the work silently "
        "does not happen. An awaitable that is gathered, returned, or handed to a task is fine."
    ),
    check=check,
    bad=(
        """\
from holdfast import activity, workflow


@activity.define
async def ship(order: str) -> None: ...


@workflow.define
async def fulfil(order: str) -> None:
    ship(order)
""",
        """\
from holdfast import activity, workflow


@activity.define
async def ship(order: str) -> None: ...


@workflow.define
async def fulfil(orders: list[str]) -> None:
    shipments = []
    for order in orders:
        shipments.append(ship.with_options(queue="parcels")(order))
""",
        """\
from datetime import timedelta

from holdfast import activity, workflow


@activity.define
async def is_paid(order: str) -> bool: ...


@workflow.define
async def fulfil(order: str) -> str:
    if is_paid(order):
        return "paid"
    workflow.sleep(timedelta(minutes=1))
    return "open"
""",
    ),
    good=(
        """\
import asyncio

from holdfast import activity, workflow


@activity.define
async def ship(order: str) -> str: ...


@workflow.define
async def fulfil(orders: list[str]) -> list[str]:
    shipments = [ship(order) for order in orders]
    first = ship("gift")
    asyncio.create_task(ship("sample"))
    await asyncio.wait_for(ship("card"), 60)
    return [await first, *await asyncio.gather(*shipments)]
""",
        """\
from collections.abc import Awaitable

from holdfast import activity, workflow


@activity.define
async def ship(order: str) -> str: ...


def start(order: str) -> Awaitable[str]:
    return ship(order)


@workflow.define
async def fulfil(order: str) -> str:
    return await start(order)
""",
    ),
)
