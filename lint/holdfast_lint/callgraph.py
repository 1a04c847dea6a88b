"""Who calls whom from the workflows on: the fixpoint over all functions, and the shortest path to each."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from holdfast_lint import model
from holdfast_lint.catalog import Catalog
from holdfast_lint.diagnostic import Hop
from holdfast_lint.dialect import Dialect
from holdfast_lint.inference.cells import Cells, Unit
from holdfast_lint.inference.evaluation import evaluate
from holdfast_lint.inference.frame import Frame, Program
from holdfast_lint.inference.interpreter import run
from holdfast_lint.model import Expression, Function, Span
from holdfast_lint.project import Project
from holdfast_lint.scopes import Scope
from holdfast_lint.trace import Trace
from holdfast_lint.values import External, Instance, WorkflowRef, one

Parents = Mapping[Function, Function | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGraph:
    """Hold the workflows in source order, what runs inside each function, and per workflow who called whom first."""

    workflows: tuple[Function, ...]
    traces: Mapping[Function, Trace]
    parents: Mapping[Function, Parents]

    def reached(self) -> tuple[Function, ...]:
        """List the functions that some workflow can run, in source order."""
        found = {function for parents in self.parents.values() for function in parents}
        return tuple(sorted(found, key=place))

    def chain(self, function: Function, span: Span) -> tuple[tuple[Hop, ...], int]:
        """Give the shortest path from a workflow to a place in `function`, and how many other workflows reach it."""
        roots = [root for root in self.workflows if function in self.parents[root]]
        paths = [self._path(root, function) for root in roots]
        path = min(paths, key=len)
        calls = [self.traces[one].edges[other].line for one, other in pairwise(path)]
        hops = tuple(
            Hop(function=step.qualified, path=step.path, line=step.span.line, call_line=line)
            for step, line in zip(path, [*calls, span.line], strict=True)
        )
        return hops, len(roots) - 1

    def _path(self, root: Function, function: Function) -> list[Function]:
        path: list[Function] = []
        step: Function | None = function
        while step is not None:
            path.append(step)
            step = self.parents[root][step]
        return path[::-1]


def build_callgraph(project: Project, catalog: Catalog, dialect: Dialect) -> CallGraph:
    """Analyse the named modules and whatever their workflows reach, until nothing new is learnt."""
    program = Program(project=project, catalog=catalog, dialect=dialect, cells=Cells())
    traces: dict[Unit, Trace] = {}
    for module in project.named.values():
        program.cells.need(module)
    _settle(program, traces)
    for factory in _factories(program):
        _open(program, factory)
    _settle(program, traces)
    workflows = _workflows(program)
    while True:
        for workflow in workflows:
            _open(program, workflow)
        _settle(program, traces)
        found = _workflows(program)
        if found == workflows:
            if not program.cells.patient:
                break
            program.cells.lose_patience()
        workflows = found
    inside = {unit: trace for unit, trace in traces.items() if isinstance(unit, Function)}
    parents = {workflow: _search(workflow, inside, workflows) for workflow in workflows}
    return CallGraph(workflows=workflows, traces=inside, parents=parents)


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
        frame.local[parameter.name] = values


def _open(program: Program, function: Function) -> None:
    """Run a function that nobody is seen to call: its parameters may be anything, but a method's first is its object."""
    owned = program.project.scopes[function].owner is not None
    receives = owned and not any(_is_static(item) for item in function.decorators)
    for parameter in function.parameters[1:] if receives else function.parameters:
        program.cells.fill(function, parameter.name)
    program.cells.need(function)


def _is_static(decorator: Expression) -> bool:
    return isinstance(decorator, model.Name) and decorator.id == "staticmethod"


def _factories(program: Program) -> tuple[Function, ...]:
    """Find the functions of the named modules inside which a workflow is defined."""
    found: dict[Function, None] = {}
    for node, scope in tuple(program.project.scopes.items()):
        if isinstance(node, Function) and node.path in program.project.named:
            around = tuple(_functions_around(scope))
            if around and any(_may_define(program, scope, item) for item in node.decorators):
                found.update(dict.fromkeys(around))
    return tuple(sorted(found, key=place))


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
        isinstance(value, External) and program.dialect.role(value.name) == "workflow"
        for value in values
    )


def _workflows(program: Program) -> tuple[Function, ...]:
    functions = {
        value.function
        for value in program.cells.every_value()
        if isinstance(value, WorkflowRef) and value.function is not None
    }
    named = (function for function in functions if function.path in program.project.named)
    return tuple(sorted(named, key=place))


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
