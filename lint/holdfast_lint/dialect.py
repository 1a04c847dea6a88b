"""What the checker must know about one durable-workflow library, and about all of them together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from holdfast_lint.model import Function

# `class` is a class whose objects are workflows, `factory` makes what a durable operation is handed, and `child` runs
# as part of a workflow in a scope of its own.
Kind = Literal[
    "workflow", "handler", "query", "validator", "class", "activity", "step", "transaction", "factory", "child"
]  # fmt: skip
Remedy = Literal[
    "now", "elapsed", "zone", "random", "uuid", "sleep", "wait", "logger", "activity", "input", "visible", "pending", "order"
]  # fmt: skip
# What calling an activity directly does in a workflow: schedule it, run it as a step, build what a durable operation is
# handed, or run it unrecorded, which is a mistake.
Direct = Literal["schedules", "runs", "builds", "unrecorded"]
# How code waits for a durable operation.
Waits = Literal["await", "yield", "call"]
# How a replay finds the record of an operation: by the order of the calls, or by the name that each has.
Numbering = Literal["order", "name"]
# How a wait ends when its time is over: it gives None, or raises.
Late = Literal["none", "raises"]
# Where the answer about a change holds.
Patches = Literal["run", "place"]
Purpose = Literal[
    "activity", "child", "timer", "message", "wait", "state", "value", "version", "reset", "combine", "naming"
]  # fmt: skip
# An argument, by position or keyword.
Place: TypeAlias = int | str

KINDS, REMEDIES, PURPOSES = get_args(Kind), get_args(Remedy), get_args(Purpose)
ENTRIES: tuple[Kind, ...] = ("workflow", "handler", "query", "validator", "class")
ACTIVITIES: tuple[Kind, ...] = ("activity", "step", "transaction", "factory")
# Nothing of these happens, or nobody waits for it, until somebody awaits it, whatever the library.
# These leave nothing in the history by themselves.
SILENT: frozenset[Purpose] = frozenset({"value", "naming"})
AWAITABLES = frozenset({"asyncio.gather", "asyncio.sleep", "asyncio.wait", "asyncio.wait_for"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Say what a decorator or a call makes of a function.

    A decorator takes the function alone; other calls take it at `takes`. A class that derives from a base has the
    role in its `method`.
    """

    kind: Kind
    dialect: str
    direct: Direct | None = None
    takes: tuple[Place, ...] = ()
    method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Be a call that a history knows.

    The function at `records` is carried out once and its result recorded, so its body may do anything; the functions
    at `runs` are part of the workflow, and the parameter `context` of theirs is a context. `identity` tells the operation
    from others, `timeout` bounds the wait, and without it the `default` does: seconds, or for ever. `late` says how it
    ends then, and an operation that `asks` waits for a person. One of the keywords in `needs` is required.
    """

    purpose: Purpose
    dialect: str
    awaited: bool = False
    records: tuple[Place, ...] = ()
    runs: tuple[Place, ...] = ()
    context: int | None = None
    identity: tuple[Place, ...] = ()
    timeout: tuple[Place, ...] = ()
    default: int | None = None
    asks: bool = False
    late: Late | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Be what an entry is handed at a position: another type where the function is not `async`, if there is one.

    `tells` means that a generator which asks for it by its annotation, and that no workflow calls, is one itself: who
    registers it may be elsewhere.
    """

    type: str
    position: int
    plain: str
    tells: bool

    def handed_to(self, function: Function) -> str:
        """Name the object that a function gets."""
        return f"{self.type if function.asynchronous else self.plain}()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Hold the tables of one library; names are written as `values.External` writes them.

    `common` packages have names that projects use too, so a module of the project wins over them. `entry` is how its
    users write a workflow. In an `eager` library an operation starts when it is called, awaited or not. One that
    `converts` lets a workflow end its cancellation with another exception. `durable` are effects that the library records or makes harmless, `guards` tell that a
    replay is over, `lifts` are blocks in which its users answer for what they do, `uncatchable` are exceptions that a
    workflow must let through, and `instead` names what stands for a call of asyncio. `refuses` says that the library
    itself stops a clock or a random number in a workflow, whatever becomes of the value; `loggers` are its own. `patches` says whether the answer about a change is
    remembered for the whole run or given at each place, and `versions` give
    the version of the code.
    """

    name: str
    verified: str
    packages: frozenset[str]
    common: bool
    entry: str
    waits: Waits
    eager: bool
    converts: bool
    numbering: Numbering
    roles: Mapping[str, Role]
    bases: Mapping[str, Role]
    context: Context | None
    operations: Mapping[str, Operation]
    rebinds: frozenset[str]
    durable: frozenset[str]
    guards: frozenset[str]
    lifts: frozenset[str]
    uncatchable: frozenset[str]
    same: Mapping[str, str]
    gives: Mapping[str, str]
    instead: Mapping[str, str]
    advice: Mapping[str, str]
    refuses: bool
    loggers: tuple[str, ...]
    patches: Patches | None
    versions: frozenset[str]

    def is_awaitable(self, name: str) -> bool:
        """Tell whether a call of this full name does nothing, or nobody waits for it, until it is awaited."""
        operation = self.operations.get(name)
        return name in AWAITABLES or (operation is not None and operation.awaited)

    def shown(self, name: str) -> str:
        """Write a name as code that imported it would: `dbos.DBOS.recv` → `DBOS.recv`."""
        for package in self.packages:
            name = name.removeprefix(f"{package}.")
        return name.replace("()", "")

    @property
    def waited(self) -> str:
        """Say what must happen to what a durable operation gives."""
        return "yielded" if self.waits == "yield" else "awaited"

    @property
    def pause(self) -> str:
        """Say what a run may stop at."""
        return {"await": "an await", "yield": "a yield", "call": "a durable call"}[self.waits]


def beginnings(name: str) -> Iterator[str]:
    """Yield `name` and the shorter dotted names it begins with."""
    yield name
    for place, letter in enumerate(name):
        if letter in ".(":
            yield name[:place]


class Dialects:
    """Hold all libraries together: each name belongs to one of them."""

    def __init__(self, members: Iterable[Dialect]) -> None:
        self.members = {dialect.name: dialect for dialect in members}
        everyone = tuple(self.members.values())
        self.roles = {name: role for item in everyone for name, role in item.roles.items()}
        self.bases = {name: role for item in everyone for name, role in item.bases.items()}
        self.operations = {
            name: found for item in everyone for name, found in item.operations.items()
        }
        self.same = {name: other for item in everyone for name, other in item.same.items()}
        self.gives = {name: other for item in everyone for name, other in item.gives.items()}
        self.guards = frozenset().union(*(item.guards for item in everyone))
        self.lifts = frozenset().union(*(item.lifts for item in everyone))
        self.loggers = tuple(f"{name}." for item in everyone for name in item.loggers)
        self.rebinds = frozenset().union(*(item.rebinds for item in everyone))
        # What is never looked for in the project: it is what the code under check is written against.
        self.registering = frozenset(
            name.rpartition(".")[2] for name, role in self.roles.items() if role.takes
        )
        self.packages = frozenset(
            package
            for item in everyone
            if not item.common
            for package in item.packages
            if "." not in package
        )
        named = (*self.roles, *self.bases, *self.operations, *self.same, *self.gives)
        contexts = (item.context.type for item in everyone if item.context is not None)
        self._beginnings = frozenset(
            part for name in (*named, *contexts) for part in beginnings(name)
        )
        self._heads = tuple(f"{package}." for item in everyone for package in item.packages)

    def owns(self, name: str) -> bool:
        """Tell whether a name lies inside one of the libraries."""
        return name.startswith(self._heads)

    def role(self, name: str) -> Role | None:
        """Tell what a decorator or call of this full name makes of a function."""
        return self.roles.get(name.removesuffix("()"))

    def identity(self, name: str) -> frozenset[Place] | None:
        """Say which arguments of a durable call name it for good; nothing when the call is not durable."""
        operation = self.operations.get(name)
        if operation is None or operation.purpose == "value":
            return frozenset() if name in AWAITABLES else None
        return frozenset(operation.identity)

    def is_log(self, name: str) -> bool:
        """Tell whether a call of this full name writes a log that replays leave out."""
        return name.startswith(self.loggers)

    def knows(self, name: str) -> bool:
        """Tell whether some table mentions this name, or a longer one that begins with it."""
        return name in self._beginnings

    def attribute_of(self, role: Role, attribute: str) -> str | None:
        """Name what an attribute of a function with a role is, such as the decorator `validator` of an update."""
        for name, other in self.roles.items():
            if (
                other.kind == "validator"
                and other.dialect == role.dialect
                and name.endswith(f"().{attribute}")
            ):
                return name
        return None

    def context_of(self, part: Role | Operation) -> Context | None:
        """Give the context that the library of a role or an operation hands to functions."""
        return self.members[part.dialect].context
