"""Running statements in the abstract: branches are joined, loops run until nothing new is learnt."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from holdfast_lint import model
from holdfast_lint.inference.annotations import annotated
from holdfast_lint.inference.application import register
from holdfast_lint.inference.cells import BASES, BRANCHES, FACTORIES, RETURNED
from holdfast_lint.inference.decoration import decorate
from holdfast_lint.inference.evaluation import assign, call_method, evaluate, introduce, iterate
from holdfast_lint.inference.frame import Frame
from holdfast_lint.inference.lookup import lineage, look_up_import, module_attribute
from holdfast_lint.inference.protocols import TRUTH, call_first
from holdfast_lint.inference.results import element
from holdfast_lint.model import Class, Function, Statement
from holdfast_lint.values import (
    NOTHING,
    UNKNOWN,
    ClassRef,
    Collection,
    External,
    FunctionRef,
    Instance,
    ModuleRef,
    Value,
    Values,
    instance_of,
    join,
    merged,
    one,
)

MOST_ROUNDS = 4
# Rounds multiply with each loop inside a loop; what a deeper one carries over is not worth that.
DEEPEST_LOOP = 3
ACCESSORS = frozenset({"setter", "deleter", "getter"})


def run(frame: Frame, body: Iterable[Statement]) -> None:
    """Run statements in order."""
    for statement in body:
        _run(frame, statement)


def _run(frame: Frame, statement: Statement) -> None:  # noqa: C901, PLR0912 - one arm per kind
    match statement:
        case model.Evaluate(value=value):
            evaluate(frame, value)
        case model.Assign():
            _assign(frame, statement)
        case model.Delete(targets=targets):
            for target in targets:
                if isinstance(target, model.Subscript):
                    assign(frame, target, NOTHING)
        case model.Return(value=value):
            _return(frame, value)
        case model.Raise(value=value):
            if value is not None:
                evaluate(frame, value)
        case model.If():
            call_first(frame, evaluate(frame, statement.test), TRUTH, statement.test.span)
            _if(frame, statement)
        case model.For():
            _for(frame, statement)
        case model.While():
            _while(frame, statement)
        case model.Try():
            _try(frame, statement)
        case model.With():
            _with(frame, statement)
        case model.Match():
            _match(frame, statement)
        case model.ImportModule():
            _import(frame, statement)
        case model.ImportFrom():
            _import_from(frame, statement)
        case model.Define(definition=Function() as function):
            _define(frame, function)
        case model.Define(definition=Class() as definition):
            _define_class(frame, definition)
        case model.Declare() | model.Jump():
            pass


def _assign(frame: Frame, statement: model.Assign) -> None:
    known = annotated(frame, statement.annotation)
    if statement.value is not None:
        values = evaluate(frame, statement.value)
        if statement.augmented:
            values = join([values, *(evaluate(frame, target) for target in statement.targets)])
        known = known | values
    elif not isinstance(frame.scope.node, Class):
        return
    for target in statement.targets:
        if not _pairwise(frame, target, statement.value):
            assign(frame, target, known)
    _remember_factory(frame, statement)


def _pairwise(frame: Frame, target: model.Expression, value: model.Expression | None) -> bool:
    """Unpack `a, b = x, y` item by item."""
    if not isinstance(target, model.Display) or not isinstance(value, model.Display):
        return False
    parts = (*target.items, *value.items)
    if len(target.items) != len(value.items) or any(
        isinstance(part, model.Operation) for part in parts
    ):
        return False
    for inner, item in zip(target.items, value.items, strict=True):
        assign(frame, inner, frame.trace.values_of(item))
    return True


def _remember_factory(frame: Frame, statement: model.Assign) -> None:
    """Keep `field(default_factory=…)`: making an object runs it."""
    if not isinstance(frame.scope.node, Class) or not isinstance(statement.value, model.Call):
        return
    for argument in statement.value.arguments:
        if argument.keyword == "default_factory":
            for target in statement.targets:
                if isinstance(target, model.Name):
                    values = frame.trace.values_of(argument.value)
                    frame.program.cells.write(frame.scope.node, f"{FACTORIES}{target.id}", values)


def _return(frame: Frame, value: model.Expression | None) -> None:
    values = instance_of("NoneType") if value is None else evaluate(frame, value)
    if isinstance(frame.unit, Function) and not frame.unit.generates:
        frame.program.cells.write(frame.unit, RETURNED, values)


def _if(frame: Frame, statement: model.If) -> None:
    """Branch; what runs outside a replay alone is excused."""
    test, live = statement.test, statement.orelse
    if isinstance(test, model.Operation) and test.operators == ("Not",):
        (test,), live = test.operands, statement.body
    guarded = _is_guard(frame, frame.trace.values_of(test))
    before = frame.local
    after: list[dict[str, Values]] = []
    for branch in (statement.body, statement.orelse):
        frame.local = dict(before)
        _run_excused(frame, branch, excused=guarded and branch is live)
        after.append(frame.local)
    frame.local = _merge(after)


def _is_guard(frame: Frame, values: Values) -> bool:
    """Tell whether a value says that this is a replay."""
    guards = frame.program.dialects.guards
    return bool(values) and all(
        isinstance(value, External) and value.name.removesuffix("()") in guards for value in values
    )


def _run_excused(frame: Frame, body: tuple[Statement, ...], *, excused: bool) -> None:
    frame.excused += excused
    run(frame, body)
    frame.excused -= excused


def _merge(outcomes: list[dict[str, Values]]) -> dict[str, Values]:
    names = {name for outcome in outcomes for name in outcome}
    return {
        name: merged(join(outcome.get(name, NOTHING) for outcome in outcomes)) for name in names
    }


def _for(frame: Frame, statement: model.For) -> None:
    source = evaluate(frame, statement.iterable)
    items = join(iterate(frame, value, statement.iterable.span) for value in source)

    def turn() -> None:
        assign(frame, statement.target, items)
        run(frame, statement.body)

    _repeat(frame, turn)
    run(frame, statement.orelse)


def _while(frame: Frame, statement: model.While) -> None:
    def turn() -> None:
        call_first(frame, evaluate(frame, statement.test), TRUTH, statement.test.span)
        run(frame, statement.body)

    _repeat(frame, turn)
    run(frame, statement.orelse)


def _repeat(frame: Frame, turn: Callable[[], None]) -> None:
    """Take turns until one of them teaches nothing new."""
    frame.loops += 1
    for _ in range(MOST_ROUNDS if frame.loops <= DEEPEST_LOOP else 1):
        before = dict(frame.local)
        turn()
        frame.local = _merge([before, frame.local])
        if frame.local == before:
            break
    frame.loops -= 1


def _try(frame: Frame, statement: model.Try) -> None:
    before = dict(frame.local)
    run(frame, statement.body)
    # A handler may start after any statement of the body.
    torn = _merge([before, frame.local])
    run(frame, statement.orelse)
    outcomes = [frame.local]
    for handler in statement.handlers:
        frame.local = dict(torn)
        caught = NOTHING if handler.type is None else evaluate(frame, handler.type)
        if handler.name is not None:
            frame.bind(handler.name, _caught(frame, caught))
        run(frame, handler.body)
        outcomes.append(frame.local)
    frame.local = _merge(outcomes)
    run(frame, statement.final)


def _caught(frame: Frame, types: Values) -> Values:
    flat = join(element(value) if isinstance(value, Collection) else one(value) for value in types)
    return join(
        frame.outside(f"{value.name}()") if isinstance(value, External) else UNKNOWN
        for value in flat
    )


def _with(frame: Frame, statement: model.With) -> None:
    enter, leave = (
        ("__aenter__", "__aexit__") if statement.asynchronous else ("__enter__", "__exit__")
    )
    lifted = False
    for entered in statement.entered:
        found: set[Value] = set()
        for value in evaluate(frame, entered.value):
            match value:
                case Instance():
                    found |= call_method(frame, value, enter, entered.value.span)
                    call_method(frame, value, leave, entered.value.span, given=3)
                case Collection(items=items):
                    found |= items
                case _:
                    found.add(value)
        if entered.target is not None:
            assign(frame, entered.target, frozenset(found))
        lifted = lifted or any(
            isinstance(value, External) and value.name in frame.program.dialects.lifts
            for value in found
        )
    _run_excused(frame, statement.body, excused=lifted)


def _match(frame: Frame, statement: model.Match) -> None:
    subject = evaluate(frame, statement.subject)
    before = frame.local
    after = [dict(before)]
    for case in statement.cases:
        frame.local = dict(before)
        for name in case.captures:
            assign(frame, name, subject if case.total else UNKNOWN)
        if case.guard is not None:
            evaluate(frame, case.guard)
        run(frame, case.body)
        after.append(frame.local)
    frame.local = _merge(after)


def _import(frame: Frame, statement: model.ImportModule) -> None:
    if statement.alias is not None:
        frame.bind(statement.alias, look_up_import(frame, statement.dotted, 0))
        return
    top = statement.dotted.partition(".")[0]
    frame.bind(top, look_up_import(frame, top, 0))


def _import_from(frame: Frame, statement: model.ImportFrom) -> None:
    for source in look_up_import(frame, statement.dotted, statement.level):
        for name, alias in statement.names:
            if name == "*":
                continue
            match source:
                case ModuleRef(path=path):
                    values = module_attribute(frame, path, name)
                    if values == UNKNOWN and not statement.level:
                        # A folder of the project may bear the name of a library that is meant.
                        values = frame.outside(f"{statement.dotted}.{name}")
                case External(name=module):
                    values = frame.outside(f"{module}.{name}")
                case _:
                    values = UNKNOWN
            frame.bind(alias or name, values)


def _define(frame: Frame, function: Function) -> None:
    introduce(frame, function)
    values: Values = one(FunctionRef(function=function))
    for decorator in reversed(function.decorators):
        if isinstance(decorator, model.Attribute) and decorator.name in ACCESSORS:
            return
        _add_branch(frame, decorator, function)
        applied = [
            decorate(frame, item, function, values, decorator)
            for item in evaluate(frame, decorator)
        ]
        # A decorator that was not looked at yet gives nothing, and a cell filled too early would stay filled.
        if any(applied) or frame.program.cells.patient:
            values = join(applied)
    frame.bind(function.name, values)


def _add_branch(frame: Frame, decorator: model.Expression, function: Function) -> None:
    """Let `@show.register` make a function one of those that calling `show` may run."""
    maker = decorator.function if isinstance(decorator, model.Call) else decorator
    if isinstance(maker, model.Attribute) and maker.name == "register":
        for value in evaluate(frame, maker.base):
            if isinstance(value, FunctionRef):
                branch = one(FunctionRef(function=function))
                frame.program.cells.write(value.function, BRANCHES, branch)


def _define_class(frame: Frame, definition: Class) -> None:
    cells = frame.program.cells
    bases = join(evaluate(frame, base) for base in definition.bases)
    cells.write(definition, BASES, bases)
    decorated = join(evaluate(frame, decorator) for decorator in definition.decorators)
    inner = replace(frame, scope=frame.program.project.scopes[definition], local={})
    run(inner, definition.body)
    frame.bind(definition.name, one(ClassRef(definition=definition)))
    _register_class(frame, definition, decorated)


def _register_class(frame: Frame, definition: Class, decorated: Values) -> None:
    """Find the workflows that a class is by its decorator or its base, not by what its methods say."""
    dialects = frame.program.dialects
    for value in decorated:
        role = dialects.role(value.name) if isinstance(value, External) else None
        if role is not None and role.kind == "class":
            register(frame, role, _method(frame, definition, "__init__"))
    for base in lineage(frame, definition):
        role = dialects.bases.get(base.name) if isinstance(base, External) else None
        if role is not None and role.method is not None:
            register(frame, role, _method(frame, definition, role.method))


def _method(frame: Frame, definition: Class, name: str) -> Values:
    """Give the method that an object of a class has under a name."""
    for item in lineage(frame, definition):
        if isinstance(item, Class) and name in frame.program.project.attributes(item):
            return frame.program.cells.read(item, name, frame.unit)
    return NOTHING
