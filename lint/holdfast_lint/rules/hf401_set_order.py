"""Loops that follow the order of a set."""

from collections.abc import Iterable, Iterator

from holdfast_lint import model
from holdfast_lint.model import Node
from holdfast_lint.module import walk
from holdfast_lint.rule import Hit, Rule, View
from holdfast_lint.values import is_unordered

ADVICE = "loop over `sorted(...)`, or keep the items in a list or dict, which have an order"


def check(view: View) -> Iterator[Hit]:
    """Find loops and comprehensions over a set that await or schedule an activity."""
    for statement in view.function.body:
        for node in walk(statement):
            match node:
                case model.For(iterable=iterable, body=body):
                    yield from _loop(view, iterable, body)
                case model.Comprehension(clauses=clauses, items=items):
                    for clause in clauses:
                        yield from _loop(view, clause.iterable, items)


def _loop(view: View, iterable: model.Expression, body: Iterable[Node]) -> Iterator[Hit]:
    loose = is_unordered(view.trace.values_of(iterable))
    if loose and any(_is_durable(view, node) for inner in body for node in walk(inner)):
        yield Hit(span=iterable.span, message=MESSAGE, advice=ADVICE)


def _is_durable(view: View, node: Node) -> bool:
    match node:
        case model.Await():
            return True
        case model.Call():
            return bool(view.trace.activities_of(node))
        case model.For(asynchronous=asynchronous) | model.With(asynchronous=asynchronous):
            return asynchronous
        case _:
            return False


MESSAGE = "this loop awaits in the order of a set, and that order differs from process to process"

RULE = Rule(
    code="HF401",
    name="set-order",
    what="A workflow loops over a set and awaits, or schedules activities, in the loop.",
    why=(
        "The order of a set of strings depends on the hash seed of the process. Another worker runs the same steps "
        "in another order, and that no longer fits the history."
    ),
    check=check,
    bad=(
        """\
from holdfast import activity, workflow


@activity.define
async def invite(guest: str) -> None: ...


@workflow.define
async def party(guests: list[str]) -> None:
    for guest in set(guests):
        await invite(guest)
""",
        """\
import asyncio

from holdfast import activity, workflow


@activity.define
async def invite(guest: str) -> None: ...


@workflow.define
async def party(host: str) -> None:
    await asyncio.gather(*(invite(guest) for guest in {"Ada", "Grace", host}))
""",
    ),
    good=(
        """\
from holdfast import activity, workflow


@activity.define
async def invite(guest: str) -> None: ...


@workflow.define
async def party(guests: set[str]) -> None:
    for guest in sorted(guests):
        await invite(guest)
""",
        """\
from holdfast import activity, workflow


@activity.define
async def invite(guest: str) -> None: ...


@workflow.define
async def party(guests: set[str]) -> int:
    letters = 0
    for guest in guests:
        letters += len(guest)
    for guest in dict.fromkeys(["Ada", "Grace"]):
        await invite(guest)
    return letters
""",
    ),
)
