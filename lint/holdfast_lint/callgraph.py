"""Who calls whom from the workflows on: the fixpoint over all functions, and the shortest path to each."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from holdfast_lint import model
from holdfast_lint.calls import arguments_at, operations_of
from holdfast_lint.catalog import Catalog
from holdfast_lint.diagnostic import Hop
from holdfast_lint.dialect import ENTRIES, Dialect, Dialects, Role
from holdfast_lint.inference.cells import ROLES, WRAPPERS, Cells, Unit
from holdfast_lint.inference.evaluation import evaluate
from holdfast_lint.inference.frame import Frame, Program
from holdfast_lint.inference.interpreter import run
from holdfast_lint.model import Expression, Function, Parameter, Span
from holdfast_lint.module import Module, walk
from holdfast_lint.project import Project
from holdfast_lint.scopes import Scope
from holdfast_lint.trace import Trace
from holdfast_lint.values import (
    UNKNOWN,
    ActivityRef,
    External,
    FunctionRef,
    Instance,
    WorkflowRef,
    external,
    one,
)

Parents = Mapping[Function, Function | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGraph:
    """Hold the entries in source order with their roles, what runs inside each function, and who called whom first.

    An entry is a workflow, or a handler that runs as one. `steps` is the same for activities, and for functions whose
    result an operation records.
    """

    dialects: Dialects
    roles: Mapping[Function, Role]
    traces: Mapping[Function, Trace]
    parents: Mapping[Function, Parents]
    inner: "CallGraph | None" = None

    @property
    def steps(self) -> "CallGraph":
        """Give the activities in the place of the entries."""
        return self.inner or self

    @property
    def workflows(self) -> tuple[Function, ...]:
        """List the entries in source order."""
        return tuple(self.roles)

    def dialect_of(self, function: Function) -> Dialect:
        """Give the library of the entry from which the shortest path leads to a function."""
        return self.dialects.members[self.roles[self._nearest(function)[0]].dialect]

    def reached(self) -> tuple[Function, ...]:
        """List the functions that some workflow can run, in source order."""
        found = {function for parents in self.parents.values() for function in parents}
        return tuple(sorted(found, key=place))

    def chain(
        self, function: Function, span: Span, root: Function | None = None
    ) -> tuple[tuple[Hop, ...], int]:
        """Give the shortest path from a workflow to a place in `function`, and how many other workflows reach it."""
        path = self._nearest(function) if root is None else self._path(root, function)
        calls = [self.traces[one].edges[other].line for one, other in pairwise(path)]
        hops = tuple(
            Hop(function=step.qualified, path=step.path, line=step.span.line, call_line=line)
            for step, line in zip(path, [*calls, span.line], strict=True)
        )
        return hops, sum(function in parents for parents in self.parents.values()) - 1

    def _nearest(self, function: Function) -> list[Function]:
        """Give the shortest path that leads to a function, from the first entry in source order that has one."""
        roots = (root for root in self.roles if function in self.parents[root])
        return min((self._path(root, function) for root in roots), key=len)

    def _path(self, root: Function, function: Function) -> list[Function]:
        path: list[Function] = []
        step: Function | None = function
        while step is not None:
            path.append(step)
            step = self.parents[root][step]
        return path[::-1]


def build_callgraph(project: Project, catalog: Catalog, dialects: Dialects) -> CallGraph:
    """Analyse the named modules and whatever their workflows reach, until nothing new is learnt."""
    program = Program(project=project, catalog=catalog, dialects=dialects, cells=Cells())
    traces: dict[Unit, Trace] = {}
    for module in project.named.values():
        program.cells.need(module)
    _settle(program, traces)
    for entry, role in _entries(program).items():
        # Before anything is opened: an entry that is also a factory still gets its context.
        _enter(program, entry, role)
    for factory in _factories(program):
        _open(program, factory)
    _settle(program, traces)
    _settle_entries(program, traces)
    parents = _parents(_entries(program), traces)
    if strays := _strays(program, traces, parents):
        for function, role in strays.items():
            program.cells.write(function, ROLES, one(WorkflowRef(function=function, role=role)))
        _settle_entries(program, traces)
        parents = _parents(_entries(program), traces)
    roles = _entries(program)
    inside = {unit: trace for unit, trace in traces.items() if isinstance(unit, Function)}
    return CallGraph(
        dialects=dialects,
        roles=roles,
        traces=inside,
        parents=parents,
        inner=_steps(program, inside, roles),
    )


def _settle_entries(program: Program, traces: dict[Unit, Trace]) -> None:
    """Run every entry, and those that show on the way, until nothing new is learnt."""
    roles = _entries(program)
    while True:
        for entry, role in roles.items():
            _enter(program, entry, role)
        _settle(program, traces)
        found = _entries(program)
        if found == roles:
            if not program.cells.patient:
                break
            program.cells.lose_patience()
        roles = found


def _parents(roles: Iterable[Function], traces: Mapping[Unit, Trace]) -> dict[Function, Parents]:
    inside = {unit: trace for unit, trace in traces.items() if isinstance(unit, Function)}
    boundary = tuple(roles)
    return {entry: _search(entry, inside, boundary) for entry in boundary}


def _strays(
    program: Program, traces: dict[Unit, Trace], parents: Mapping[Function, Parents]
) -> dict[Function, Role]:
    """Find what nobody was seen to register and no workflow calls, but whose annotation tells what it is."""
    reached = {function for found in parents.values() for function in found}
    candidates: dict[Function, Role] = {}
    for dialect in program.dialects.members.values():
        for function in _told(program, dialect) if dialect.context is not None else ():
            if function not in reached:
                candidates[function] = Role(kind="workflow", dialect=dialect.name)
    for function, role in candidates.items():
        _enter(program, function, role)
    _settle(program, traces)
    inside = {unit: trace for unit, trace in traces.items() if isinstance(unit, Function)}
    called = {
        callee
        for function in candidates
        for callee in _search(function, inside, ())
        if callee != function
    }
    return {function: role for function, role in candidates.items() if function not in called}


def _told(program: Program, dialect: Dialect) -> Iterator[Function]:
    """Find the generators of the named modules that ask for the context of a library."""
    context = dialect.context
    if context is None or not context.tells:
        return
    for node in tuple(program.project.scopes):
        if isinstance(node, Function) and node.generates and node.path in program.project.named:
            asked = _unreceived(program, node)[context.position : context.position + 1]
            for parameter in asked:
                known = program.cells.read(node, parameter.name, node)
                if External(name=context.handed_to(node)) in known:
                    yield node


def _steps(
    program: Program, inside: Mapping[Function, Trace], entries: Mapping[Function, Role]
) -> CallGraph:
    """Run what is recorded, when all that workflows do is known: what steps hand to helpers is none of theirs."""
    roles = {
        function: role
        for function, role in _recorded(program, inside)
        if function not in entries and function.path in program.project.named
    }
    roles = {function: roles[function] for function in sorted(roles, key=place)}
    traces: dict[Unit, Trace] = {}
    for function in roles:
        _open(program, function)
    _settle(program, traces)
    seen = {unit: trace for unit, trace in traces.items() if isinstance(unit, Function)}
    known = {**inside, **seen}
    parents = {function: _search(function, known, entries) for function in roles}
    return CallGraph(dialects=program.dialects, roles=roles, traces=known, parents=parents)


def _recorded(
    program: Program, inside: Mapping[Function, Trace]
) -> Iterator[tuple[Function, Role]]:
    """Find the functions that operations are handed, then the activities."""
    for trace in inside.values():
        for call in trace.callees:
            for operation in operations_of(program.dialects, trace, call):
                role = Role(kind="step", dialect=operation.dialect, direct="runs")
                for argument in arguments_at(call, operation.records):
                    for value in trace.values_of(argument):
                        if isinstance(value, FunctionRef):
                            yield value.function, role
    for value in program.cells.every_value():
        if isinstance(value, ActivityRef) and value.function is not None:
            yield value.function, value.role


def place(function: Function) -> tuple[str, Span]:
    """Order functions as they stand in the source."""
    return (function.path, function.span)


def _settle(program: Program, traces: dict[Unit, Trace]) -> None:
    while (unit := program.cells.take()) is not None:
        trace = traces.setdefault(unit, Trace())
        scope = program.project.scopes[unit]
        frame = Frame(program=program, unit=unit, scope=scope, trace=trace, local={})
        if isinstance(unit, Function):
            _bind_parameters(frame, unit)
            _follow_wrappers(frame, unit)
        else:
            # Who calls the functions that rebind names of their module, and when, does not show.
            for function in program.project.rebinders(unit):
                program.cells.need(function)
        run(frame, unit.body)


def _bind_parameters(frame: Frame, function: Function) -> None:
    for position, parameter in enumerate(function.parameters):
        values = frame.program.cells.read(function, parameter.name, function)
        if position == 0 and not values and frame.scope.owner is not None:
            # A method that nobody was seen to call on an object still belongs to its class.
            values = one(Instance(definition=frame.scope.owner))
            frame.program.cells.offer(function, parameter.name, values)
        frame.local[parameter.name] = values


def _follow_wrappers(frame: Frame, function: Function) -> None:
    """Connect a workflow to the decorators of the project around it: what they put around it runs with it."""
    for value in frame.program.cells.read(function, WRAPPERS, function):
        if isinstance(value, FunctionRef):
            frame.add_edge(value.function, function.span)
            frame.program.cells.need(value.function)


def _enter(program: Program, function: Function, role: Role) -> None:
    """Run an entry: the library calls it, and hands it a context if that is its way."""
    owner = program.project.scopes[function].owner
    if owner is not None:
        # Nobody may be seen to make the object, but what its `__init__` keeps in it is there.
        for statement in owner.body:
            match statement:
                case model.Define(definition=Function(name="__init__") as method):
                    _open(program, method)
    context = program.dialects.context_of(role)
    parameters = _unreceived(program, function)
    if context is not None and context.position < len(parameters):
        handed = external(context.handed_to(function))
        program.cells.offer(function, parameters[context.position].name, handed)
    _open(program, function)


def _open(program: Program, function: Function) -> None:
    """Run a function that nobody is seen to call: its parameters may be anything, but a method's first is its object."""
    for parameter in _unreceived(program, function):
        program.cells.offer(function, parameter.name, UNKNOWN)
    program.cells.need(function)


def _unreceived(program: Program, function: Function) -> tuple[Parameter, ...]:
    """List the parameters of a function behind the object that a method is called on."""
    owned = program.project.scopes[function].owner is not None
    receives = owned and not any(_is_static(item) for item in function.decorators)
    return function.parameters[1:] if receives else function.parameters


def _is_static(decorator: Expression) -> bool:
    return isinstance(decorator, model.Name) and decorator.id == "staticmethod"


def _factories(program: Program) -> tuple[Function, ...]:
    """Find the functions of the named modules inside which a workflow is defined or registered."""
    found: dict[Function, None] = {}
    for node, scope in tuple(program.project.scopes.items()):
        if isinstance(node, Function) and node.path in program.project.named:
            around = tuple(_functions_around(scope))
            if around and any(_may_define(program, scope, item) for item in node.decorators):
                found.update(dict.fromkeys(around))
            if _registers(program, scope.module, node):
                found.update(dict.fromkeys((node, *around)))
    return tuple(sorted(found, key=place))


def _registers(program: Program, module: Module, function: Function) -> bool:
    """Tell whether a function may call what makes other functions workflows."""
    names = [name for name in program.dialects.registering if name in module.text]
    return bool(names) and any(
        isinstance(node, model.Attribute) and node.name in names
        for statement in function.body
        for node in walk(statement)
    )


def _functions_around(scope: Scope) -> Iterator[Function]:
    outer = scope.parent
    while outer is not None:
        if isinstance(outer.node, Function):
            yield outer.node
        outer = outer.parent


def _may_define(program: Program, scope: Scope, decorator: Expression) -> bool:
    """Tell whether a decorator makes workflows; one that the function around it imports is not known yet."""
    if scope.parent is None:
        return False
    frame = Frame(program=program, unit=scope.module, scope=scope.parent, trace=Trace(), local={})
    maker = decorator.function if isinstance(decorator, model.Call) else decorator
    values = evaluate(frame, maker)
    return not values or any(
        isinstance(value, External) and _makes_entries(program, value.name) for value in values
    )


def _makes_entries(program: Program, name: str) -> bool:
    role = program.dialects.role(name)
    return role is not None and role.kind in ENTRIES


def _entries(program: Program) -> dict[Function, Role]:
    """Find what the library calls, in source order; a function with several roles has the first of them."""
    found: dict[Function, Role] = {}
    for value in program.cells.every_value():
        function = value.function if isinstance(value, WorkflowRef) else None
        if isinstance(value, WorkflowRef) and function is not None:
            known = found.get(function, value.role)
            found[function] = min(known, value.role, key=_rank)
    named = (function for function in found if function.path in program.project.named)
    return {function: found[function] for function in sorted(named, key=place)}


def _rank(role: Role) -> tuple[int, str]:
    return (ENTRIES.index(role.kind), role.dialect)


def _search(
    root: Function, traces: Mapping[Function, Trace], workflows: Iterable[Function]
) -> Parents:
    """Walk breadth first, so that every path found is a shortest one; other workflows are their own runs."""
    parents: dict[Function, Function | None] = {root: None}
    queue = deque([root])
    boundary = frozenset(workflows)
    while queue:
        caller = queue.popleft()
        edges = traces[caller].edges if caller in traces else {}
        for callee in sorted(edges, key=lambda function: (edges[function], place(function))):
            if callee not in parents and callee not in boundary:
                parents[callee] = caller
                queue.append(callee)
    return parents
