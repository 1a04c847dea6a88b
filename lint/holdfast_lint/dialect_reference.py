"""The reference page of all dialects, written from their tables."""

from collections.abc import Iterable, Iterator

from holdfast_lint.dialect import REMEDIES, Dialect, Operation, Place, Role
from holdfast_lint.dialectbook import load_dialects

INTRODUCTION = """\
# Dialects of the linter

<!-- Written by `python -m holdfast_lint.dialect_reference > docs/reference/lint-dialects.md`. -->

`holdfast lint` knows several libraries for durable workflows, and all of them at once: a workflow is checked by the rules of the library whose decorator, base class or call makes it one.
The libraries are not needed for that, and never imported.

Names are written as the code that gives them: `Context().run` is `run` of what `Context` makes, or of a parameter with that type.
A function at *recorded* is carried out once and its result kept, so its body may do anything; one at *runs* is a part of the workflow and is checked.
"""

WAITS = {
    "await": "`await`",
    "yield": "`yield`",
    "call": "a plain call, or `await` in an async workflow",
}
NUMBERING = {"order": "the order of the calls", "name": "its name"}
LATE = {"none": "`None`", "raises": "an exception"}
PATCHES = {
    "run": "The answer about a change is remembered for the whole run.",
    "place": "The answer about a change is given at each place where it is asked.",
}
DIRECT = {
    "schedules": "calling it schedules it",
    "runs": "calling it runs it and records the result",
    "builds": "calling it makes what an operation is handed",
    "unrecorded": "calling it records nothing",
}


def render_dialects() -> str:
    """Write the whole page as Markdown."""
    parts = [INTRODUCTION]
    parts.extend("\n".join(_section(dialect)) for dialect in load_dialects().members.values())
    return "\n".join(parts).rstrip() + "\n"


def _section(dialect: Dialect) -> Iterator[str]:
    yield f"## {dialect.name}\n"
    yield f"- A workflow is written with `{dialect.entry}`."
    yield f"- Names were checked in {dialect.verified}."
    yield f"- Code waits with {WAITS[dialect.waits]}; a replay finds the record of an operation by {NUMBERING[dialect.numbering]}."
    yield from _peculiarities(dialect)
    yield from _names(dialect)
    yield "\n| Made by | Role |\n|---|---|"
    roles = [*dialect.roles.items(), *dialect.bases.items()]
    yield from (f"| `{dialect.shown(name)}` | {_role(role)} |" for name, role in roles)
    yield from _operations(dialect)
    if aliases := {**dialect.same, **dialect.gives}:
        yield "\n| Name | Is or gives |\n|---|---|"
        yield from (f"| `{name}` | `{dialect.shown(other)}` |" for name, other in aliases.items())
    yield "\n| Remedy | Advice |\n|---|---|"
    yield from (f"| {remedy} | {dialect.advice[remedy]} |" for remedy in REMEDIES)
    yield ""


def _peculiarities(dialect: Dialect) -> Iterator[str]:
    if dialect.eager:
        yield "- An operation starts when it is called, whether anything waits for it or not."
    if dialect.converts:
        yield "- A workflow may end its cancellation with another exception."
    if dialect.common:
        yield "- A module of the project that has the name of the package is taken for the project's own."
    if dialect.context is not None:
        place = ("first", "second")[dialect.context.position]
        either = dict.fromkeys((dialect.context.type, dialect.context.plain))
        named = " or, without `async`, ".join(f"`{name}`" for name in either)
        yield f"- A workflow gets {named} as its {place} parameter."
        if dialect.context.tells:
            yield "- A generator that asks for one, and that no workflow calls, is taken for a workflow."


def _names(dialect: Dialect) -> Iterator[str]:
    yield from _lines("What is made durable or harmless", dialect.durable)
    yield from _lines("What says that this is a replay", dialect.guards)
    yield from _lines("What lets code do what it likes in a `with` block", dialect.lifts)
    yield from _lines("What a workflow must not catch", dialect.uncatchable)
    yield from _lines("What gives the activity again", dialect.rebinds)
    yield from _lines("Its own loggers", dialect.loggers)
    yield from _lines("What gives the version of the code", dialect.versions)
    if dialect.refuses:
        yield "- The library itself refuses a clock or a random number, whatever becomes of the value."
    if dialect.patches is not None:
        yield f"- {PATCHES[dialect.patches]}"
    if dialect.instead:
        swaps = ", ".join(f"`{there}` for `{name}`" for name, there in dialect.instead.items())
        yield f"- Instead of what asyncio offers: {swaps}."


def _lines(title: str, names: Iterable[str]) -> Iterator[str]:
    if names:
        yield f"- {title}: {', '.join(f'`{name}`' for name in sorted(names))}."


def _role(role: Role) -> str:
    said = f"{role.kind}: {DIRECT[role.direct]}" if role.direct else role.kind
    if role.takes:
        said += f", of the function at {_places(role.takes)}"
    return f"{said}, in `{role.method}`" if role.method else said


def _operations(dialect: Dialect) -> Iterator[str]:
    if not dialect.operations:
        return
    yield "\n| Operation | Purpose | Waited for | Recorded | Runs | Identity | Timeout |\n|---|---|---|---|---|---|---|"
    for name, item in dialect.operations.items():
        runs = _places(item.runs)
        if item.context is not None:
            runs += f", with a context at {item.context}"
        cells = (
            f"`{dialect.shown(name)}`", item.purpose, "yes" if item.awaited else "", _places(item.records), runs,
            _places(item.identity), _timeout(item),
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _timeout(operation: Operation) -> str:
    said = _places(operation.timeout)
    if operation.default is not None:
        said += f", else {operation.default} s"
    if operation.late is not None:
        said += f", then {LATE[operation.late]}"
    if operation.asks:
        said += ", of a person"
    return f"{said}, required" if operation.needs else said


def _places(places: tuple[Place, ...]) -> str:
    return " or ".join(f"`{place}`" if isinstance(place, str) else str(place) for place in places)


if __name__ == "__main__":
    print(render_dialects(), end="")  # noqa: T201 - the page is the output
