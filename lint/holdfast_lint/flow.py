"""Where the value of an effect goes: which durable call it names, decides or feeds, or that nobody but a log sees it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from holdfast_lint import model
from holdfast_lint.diagnostic import Severity, Sink, SinkKind
from holdfast_lint.dialect import Dialects
from holdfast_lint.model import Call, Class, Expression, Function, Node, Span, Statement
from holdfast_lint.module import Module, children, walk
from holdfast_lint.project import Project
from holdfast_lint.trace import EffectSite, Trace, title_of
from holdfast_lint.values import ClassRef, FunctionRef, Instance, Unknown

# Worst first: what a replay would do differently, then what only people see.
KINDS: tuple[SinkKind, ...] = (
    "identity", "control", "argument", "state", "unknown", "result", "log", "unused",
)  # fmt: skip
GROWS = frozenset(
    {"add", "append", "appendleft", "extend", "insert", "put_nowait", "setdefault", "update"}
)
RESULT = "<result>"
LOGS = ("builtins.print", "logging.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Be one effect in one function whose value is followed."""

    function: Function
    site: EffectSite


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable:
    """Be a durable call; `identity` says which of its arguments name it for good, by position and by keyword."""

    what: str
    identity: frozenset[int | str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waters:
    """Say what a value can flow into: which calls are durable, and which only write logs."""

    durable: Callable[[Function, Call], Durable | None]
    is_log: Callable[[Function, Call], bool]


SEVERITIES: dict[SinkKind, Severity] = {
    "result": "warning",
    "log": "info",
    "unused": "info",
}


def severity_of(sinks: tuple[Sink, ...], *, by_name: bool) -> Severity | None:
    """Judge a value by the worst place that it reaches; nothing means as bad as its rule says.

    Where operations are found `by_name`, what the first call was handed stays, so another argument changes nothing.
    """
    kinds = [sink.kind for sink in sinks if not (by_name and sink.kind == "argument")]
    return SEVERITIES.get(kinds[0] if kinds else "unused")


def waters_of(traces: Mapping[Function, Trace], dialects: Dialects) -> Waters:
    """Read from what the dialects say which calls are durable and which are logs."""

    def durable(function: Function, call: Call) -> Durable | None:
        trace = traces[function]
        if activities := trace.activities_of(call):
            return Durable(what=min(map(title_of, activities)))
        for name in trace.names_of(call):
            identity = dialects.identity(name)
            if identity is not None:
                return Durable(what=name.rpartition(".")[2], identity=identity)
        return None

    def is_log(function: Function, call: Call) -> bool:
        names = tuple(traces[function].names_of(call))
        return bool(names) and all(dialects.is_log(name) or name.startswith(LOGS) for name in names)

    return Waters(durable=durable, is_log=is_log)


Origins: TypeAlias = frozenset[Origin]
Cell: TypeAlias = tuple[Module | Class | Function, str]
NOWHERE: Origins = frozenset()


class Flow:
    """Follow the values of effects through names, attributes, calls and returns, until they reach a sink."""

    def __init__(
        self,
        project: Project,
        traces: Mapping[Function, Trace],
        roots: Iterable[Function],
        waters: Waters,
    ) -> None:
        self._pool = _Pool(project, traces, frozenset(roots), waters)
        self._followed = False

    def sinks(self, function: Function, site: EffectSite) -> tuple[Sink, ...]:
        """Give the sinks that the value of an effect reaches, worst first; nothing means that it is not used."""
        if not self._followed:
            self._followed = True
            self._pool.settle()
        found = self._pool.found.get(Origin(function=function, site=site), {})
        return tuple(sorted(found, key=lambda sink: (KINDS.index(sink.kind), sink.path, sink.span)))


class _Pool:
    """Hold what the walks through all functions share: cells that only gain, and the sinks found."""

    def __init__(
        self,
        project: Project,
        traces: Mapping[Function, Trace],
        roots: frozenset[Function],
        waters: Waters,
    ) -> None:
        self.project = project
        self.roots = roots
        self.waters = waters
        self.found: dict[Origin, dict[Sink, None]] = {}
        self._traces = traces
        self._cells: dict[Cell, Origins] = {}
        self._readers: dict[Cell, dict[Function, None]] = {}
        self._queue: dict[Function, None] = {}
        self._busy: frozenset[Function] = frozenset()

    def settle(self) -> None:
        """Walk through functions until nothing flows any further."""
        self._busy = _busy(self._traces, self.waters)
        self._queue = dict.fromkeys(self._traces)
        while self._queue:
            function = next(iter(self._queue))
            del self._queue[function]
            _Walk(self, function, self._traces[function]).run()

    def read(self, cell: Cell, reader: Function) -> Origins:
        self._readers.setdefault(cell, {})[reader] = None
        return self._cells.get(cell, NOWHERE)

    def write(self, cell: Cell, origins: Origins) -> None:
        known = self._cells.get(cell, NOWHERE)
        if not origins <= known:
            self._cells[cell] = known | origins
            self._queue.update(self._readers.get(cell, {}))

    def is_busy(self, function: Function) -> bool:
        """Tell whether running a function makes durable calls."""
        return function in self._busy


class _Walk:
    """Carry origins once through the code of one function, in any order: names only gain."""

    def __init__(self, pool: _Pool, function: Function, trace: Trace) -> None:
        self._pool, self._function, self._trace = pool, function, trace
        self._known: dict[Expression, Origins] = {}
        self._sites: dict[Span, list[EffectSite]] = {}
        for site in trace.effects.values():
            self._sites.setdefault(site.span, []).append(site)

    def run(self) -> None:
        for node in _inside(self._function.body):
            for target, value in _bindings(node):
                self._bind(target, self._of(value))
            for test, guarded in _decisions(node):
                self._decide(test, guarded)
            match node:
                case model.Return(value=given) | model.Yield(value=given) if given is not None:
                    self._give(given, self._of(given))
                case model.Raise(value=given) if given is not None:
                    if self._function in self._pool.roots:
                        self._end(self._of(given), "result", "", given.span)
                case model.Call():
                    self._of(node)

    def _decide(self, test: Expression, guarded: Iterable[Node]) -> None:
        """Let a value that a branch depends on decide what the branch does, binds and returns."""
        origins = self._of(test)
        if not origins:
            return
        nodes = [node for item in guarded for node in walk(item)]
        durable = next(filter(None, map(self._named, nodes)), None)
        leaves = any(isinstance(node, model.Return | model.Raise) for node in nodes) or any(
            isinstance(node, model.Jump) and node.kind != "pass" for node in nodes
        )
        if durable is not None:
            self._end(origins, "control", durable, test.span)
        elif leaves and self._pool.is_busy(self._function):
            self._end(origins, "control", "", test.span)
        for node in nodes:
            match node:
                case model.Assign(targets=targets, value=value) if value is not None:
                    for target in targets:
                        self._bind(target, origins)
                case model.Return(value=value) if value is not None:
                    self._give(value, origins)

    def _named(self, node: Node) -> str | None:
        """Name the durable call that a node makes, itself or through functions of the project."""
        if not isinstance(node, Call):
            return None
        durable = self._pool.waters.durable(self._function, node)
        if durable is not None:
            return durable.what
        for target in self._trace.callees.get(node, frozenset()):
            if isinstance(target, FunctionRef) and self._pool.is_busy(target.function):
                return target.function.name
        return None

    def _give(self, value: Expression, origins: Origins) -> None:
        self._pool.write((self._function, RESULT), origins)
        if self._function in self._pool.roots:
            self._end(origins, "result", "", value.span)

    def _end(self, origins: Origins, kind: SinkKind, what: str, span: Span) -> None:
        for origin in origins:
            sink = Sink(kind=kind, what=what, path=self._function.path, span=span)
            self._pool.found.setdefault(origin, {})[sink] = None

    def _bind(self, target: Expression, origins: Origins) -> None:
        match target:
            case model.Name(id=name):
                home = self._home(name)
                if home is not None:
                    self._pool.write((home, name), origins)
                if not isinstance(home, Function):
                    self._end(origins, "state", "", target.span)
            case model.Attribute(base=base, name=name):
                self._store(base, name, origins, target.span)
            case model.Display(items=parts) | model.Operation(kind="star", operands=parts):
                for part in parts:
                    self._bind(part, origins)
            case model.Subscript(base=base):
                self._bind(base, origins)
            case _:
                pass

    def _store(self, base: Expression, name: str, origins: Origins, span: Span) -> None:
        for value in self._trace.values_of(base):
            if isinstance(value, Instance | ClassRef):
                self._pool.write((value.definition, name), origins)
        if self._keeps(base):
            self._end(origins, "state", f"self.{name}", span)

    def _home(self, name: str) -> Module | Class | Function | None:
        scope = self._pool.project.scopes[self._function].home(name)
        return None if scope is None else scope.node

    def _read(self, owner: Module | Class | Function, name: str) -> Origins:
        return self._pool.read((owner, name), self._function)

    def _keeps(self, base: Expression) -> bool:
        """Tell whether an attribute belongs to the object whose method the workflow is."""
        owner = self._pool.project.scopes[self._function].owner
        return owner is not None and any(
            isinstance(value, Instance) and value.definition is owner
            for value in self._trace.values_of(base)
        )

    def _of(self, expression: Expression) -> Origins:
        """Give the origins that a value depends on."""
        if expression not in self._known:
            # An expression holds no cycle, but the entry also ends the work for one that is met twice.
            self._known[expression] = NOWHERE
            self._known[expression] = self._here(expression) | self._evaluate(expression)
        return self._known[expression]

    def _here(self, expression: Expression) -> Origins:
        sites = self._sites.get(expression.span, ())
        return frozenset(Origin(function=self._function, site=site) for site in sites)

    def _evaluate(self, expression: Expression) -> Origins:
        match expression:
            case model.Name(id=name):
                home = self._home(name)
                return NOWHERE if home is None else self._read(home, name)
            case model.Attribute(base=base, name=name):
                return self._of(base) | self._attribute(base, name)
            case model.Call():
                return self._call(expression)
            case model.Lambda():
                return NOWHERE
            case _:
                parts = (child for child in _expressions(expression))
                return frozenset().union(*map(self._of, parts))

    def _attribute(self, base: Expression, name: str) -> Origins:
        return frozenset().union(
            *(
                self._read(value.definition, name)
                for value in self._trace.values_of(base)
                if isinstance(value, Instance | ClassRef)
            )
        )

    def _call(self, call: Call) -> Origins:
        given = [self._held(argument.value) for argument in call.arguments]
        everything = frozenset().union(*given)
        durable = self._pool.waters.durable(self._function, call)
        if durable is not None:
            for place, argument in enumerate(call.arguments):
                names = {place, argument.keyword}
                kind: SinkKind = "identity" if names & durable.identity else "argument"
                self._end(given[place], kind, durable.what, argument.value.span)
            # What a durable call gives is recorded.
            return NOWHERE
        if self._pool.waters.is_log(self._function, call):
            self._end(everything, "log", "", call.span)
            return NOWHERE
        receiver = NOWHERE
        if isinstance(call.function, model.Attribute):
            receiver = self._of(call.function.base)
            if call.function.name in GROWS:
                self._bind(call.function.base, everything)
        return self._through(call, given, everything, receiver)

    def _held(self, value: Expression) -> Origins:
        """Give what an argument carries, with what an object of the project holds in its attributes."""
        carried = self._of(value)
        for item in self._trace.values_of(value):
            if isinstance(item, Instance):
                names = self._pool.project.attributes(item.definition)
                carried = carried.union(*(self._read(item.definition, name) for name in names))
        return carried

    def _through(
        self, call: Call, given: list[Origins], everything: Origins, receiver: Origins
    ) -> Origins:
        result: Origins = NOWHERE
        targets = self._trace.callees.get(call, frozenset())
        if not targets or any(isinstance(target, Unknown) for target in targets):
            self._end(everything, "unknown", _written(call.function), call.span)
            result |= everything | receiver
        for target in targets:
            match target:
                case FunctionRef(function=function):
                    skipped = int(target.receiver is not None)
                    self._hand(call, function, given, skipped)
                    result |= self._read(function, RESULT)
                case ClassRef(definition=definition):
                    for statement in definition.body:
                        if (
                            isinstance(statement, model.Define)
                            and statement.definition.name == "__init__"
                        ):
                            self._hand(call, statement.definition, given, 1)
                    result |= everything
                case _:
                    result |= everything | receiver
        return result

    def _hand(
        self, call: Call, function: Function | Class, given: list[Origins], skipped: int
    ) -> None:
        if isinstance(function, Class):
            return
        names = [item.name for item in function.parameters if item.kind == "positional"][skipped:]
        others = [item.name for item in function.parameters if item.kind in {"rest", "keywords"}]
        known = {item.name for item in function.parameters}
        for place, argument in enumerate(call.arguments):
            if argument.keyword in known:
                reached = [argument.keyword]
            elif argument.star:
                reached = [*names, *others]
            elif argument.keyword is None and place < len(names):
                reached = [names[place]]
            else:
                reached = others
            for name in reached:
                if name is not None:
                    self._pool.write((function, name), given[place])


def _busy(traces: Mapping[Function, Trace], waters: Waters) -> frozenset[Function]:
    """Find the functions that make durable calls, themselves or through others."""
    callers: dict[Function, list[Function]] = {}
    for caller, trace in traces.items():
        for callee in trace.edges:
            callers.setdefault(callee, []).append(caller)
    pending = [
        function
        for function, trace in traces.items()
        if any(waters.durable(function, call) is not None for call in trace.callees)
    ]
    found = set(pending)
    while pending:
        for caller in callers.get(pending.pop(), ()):
            if caller not in found:
                found.add(caller)
                pending.append(caller)
    return frozenset(found)


def _bindings(node: Node) -> Iterator[tuple[Expression, Expression]]:
    """Yield the targets that a node binds with the value that each depends on."""
    match node:
        case model.Assign(targets=targets, value=value) if value is not None:
            yield from ((target, value) for target in targets)
        case model.Entered(value=value, target=target) if target is not None:
            yield target, value
        case model.Bind(target=target, value=value):
            yield target, value
        case model.For(target=target, iterable=value) | model.Clause(target=target, iterable=value):
            yield target, value
        case model.Match(subject=subject, cases=cases):
            yield from ((capture, subject) for case in cases for capture in case.captures)


def _decisions(node: Node) -> Iterator[tuple[Expression, Iterable[Node]]]:
    """Yield what a node depends on with what it runs, or leaves out, because of that."""
    match node:
        case (
            model.If(test=test, body=body, orelse=orelse)
            | model.While(test=test, body=body, orelse=orelse)
        ):
            yield test, (*body, *orelse)
        case model.For(iterable=iterable, body=body):
            yield iterable, body
        case model.Comprehension(clauses=clauses, items=items, keys=keys):
            for clause in clauses:
                yield from (
                    (test, (*items, *keys)) for test in (clause.iterable, *clause.conditions)
                )
        case model.Match(subject=subject, cases=cases):
            yield subject, cases
        case model.Operation(kind="choice" | "either", operands=(test, *others)):
            yield test, others


def _inside(body: Iterable[Statement]) -> Iterator[Node]:
    for statement in body:
        yield from walk(statement)


def _expressions(node: Node) -> Iterator[Expression]:
    """Yield the expressions directly inside one, also those in its arguments and clauses."""
    for child in children(node):
        match child:
            case model.Argument(value=value):
                yield value
            case model.Clause(iterable=iterable, conditions=conditions):
                yield iterable
                yield from conditions
            case Function():
                pass
            case _:
                yield child  # type: ignore[misc]


def _written(function: Expression) -> str:
    match function:
        case model.Name(id=name) | model.Attribute(name=name):
            return name
        case _:
            return ""
