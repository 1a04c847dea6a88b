"""What a call does: where it goes, which effect it has, what it gives."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from holdfast_lint import model
from holdfast_lint.dialect import ACTIVITIES, ENTRIES, Operation, Role
from holdfast_lint.inference.cells import BRANCHES, FACTORIES, RETURNED, ROLES
from holdfast_lint.inference.frame import Frame
from holdfast_lint.inference.lookup import lineage, look_up_attribute
from holdfast_lint.inference.results import (
    Arguments,
    element,
    flat,
    result_of_collection,
    result_of_external,
)
from holdfast_lint.model import Class, Function, Span
from holdfast_lint.trace import EffectSite
from holdfast_lint.values import (
    NOTHING,
    UNKNOWN,
    ActivityRef,
    ClassRef,
    Collection,
    CollectionMethod,
    Decoratee,
    External,
    FunctionRef,
    Instance,
    Rebinding,
    Value,
    Values,
    WorkflowRef,
    collection,
    external,
    join,
    one,
)

PARTIAL = "functools.partial"
INSPECTORS = frozenset(
    {"builtins.isinstance", "builtins.issubclass", "builtins.hasattr", "builtins.callable"}
)
# Bases that never call back into the methods of their subclasses.
INERT_BASES = (
    "abc.", "builtins.", "collections.", "dataclasses.", "enum.", "pydantic.", "sqlmodel.", "typing.",
    "typing_extensions.",
)  # fmt: skip


def apply(  # noqa: PLR0911 - one arm per kind
    frame: Frame, callee: Value, arguments: Arguments, span: Span
) -> Values:
    """Carry out one possibility of a call and give its result."""
    match callee:
        case External():
            return _apply_external(frame, callee, arguments, span)
        case FunctionRef():
            return _apply_function(frame, callee, arguments, span)
        case ClassRef(definition=definition):
            return _construct(frame, definition, arguments, span)
        case Instance(decorates=decorates):
            methods = look_up_attribute(frame, callee, "__call__")
            results = [_call_back(frame, method, arguments, span) for method in methods]
            return join([*results, *_enter_all(frame, decorates, arguments, span)])
        case ActivityRef(function=function) | WorkflowRef(function=function) if (
            function is not None
        ):
            return frame.program.cells.read(function, RETURNED, frame.unit) or UNKNOWN
        case Rebinding(activity=activity):
            return one(activity)
        case CollectionMethod():
            return result_of_collection(callee, arguments)
        case _:
            escape(frame, arguments, span)
            return UNKNOWN


def escape(frame: Frame, arguments: Arguments, span: Span) -> None:
    """Note that functions handed to unknown code may run."""
    for value in flat(arguments.everything()):
        match value:
            case FunctionRef():
                _connect(frame, value, span)
                _open(frame, value)
            case Instance(definition=definition):
                _escape_hooks(frame, definition, span)


def _call_back(frame: Frame, callee: Value, arguments: Arguments, span: Span) -> Values:
    """Carry out a call that the language makes; only plain functions, so that no object can call itself for ever."""
    return (
        apply(frame, callee, arguments, span)
        if isinstance(callee, FunctionRef | External)
        else UNKNOWN
    )


def _apply_external(frame: Frame, callee: External, arguments: Arguments, span: Span) -> Values:
    program, name = frame.program, callee.name
    role = program.dialects.role(name)
    if role is not None and role.takes:
        register(frame, role, join(arguments.at(role.takes)))
    elif role is not None:
        return _give_role(frame, name, role, arguments)
    operation = program.dialects.operations.get(name)
    if operation is not None:
        _operate(frame, operation, arguments, span)
        return result_of_external(frame, callee, arguments)
    if name == PARTIAL and (operation := _bound_operation(frame, arguments)) is not None:
        _operate(frame, operation, arguments.later(), span)
        return result_of_external(frame, callee, arguments)
    effect = program.catalog.effect_of_call(name, arguments=arguments.given, shared=callee.shared)
    if effect is not None:
        frame.add_effect(EffectSite(span=span, name=name, effect=effect, how="call"))
    elif name not in INSPECTORS:
        escape(frame, arguments, span)
        _refer(frame, arguments, span)
    return result_of_external(frame, callee, arguments)


def _give_role(frame: Frame, name: str, role: Role, arguments: Arguments) -> Values:
    found = join(
        in_role(frame, role, value) or NOTHING
        for values in arguments.positional
        for value in values
    )
    return found or external(f"{name}()")


def in_role(frame: Frame, role: Role, value: Value) -> Values | None:
    """Give what a decorator with this role makes of a value; nothing when that is no function."""
    if not isinstance(value, FunctionRef | Decoratee):
        return None
    function = value.function if isinstance(value, FunctionRef) else None
    if role.kind in ACTIVITIES:
        return one(ActivityRef(function=function, role=role))
    if role.kind in ENTRIES:
        return one(WorkflowRef(function=function, role=role))
    context = frame.program.dialects.context_of(role)
    if role.kind == "child" and context is not None and isinstance(value, FunctionRef):
        return one(replace(value, receiver=External(name=context.handed_to(value.function))))
    return one(value)


def register(frame: Frame, role: Role, values: Values) -> None:
    """Give functions a role that no name of theirs will show."""
    for value in values:
        if isinstance(value, FunctionRef):
            made = in_role(frame, role, value)
            frame.program.cells.write(value.function, ROLES, made or NOTHING)


def _bound_operation(frame: Frame, arguments: Arguments) -> Operation | None:
    """Find the operation whose first arguments `functools.partial` binds."""
    for value in arguments.positional[0] if arguments.positional else ():
        if isinstance(value, External) and value.name in frame.program.dialects.operations:
            return frame.program.dialects.operations[value.name]
    return None


def _operate(frame: Frame, operation: Operation, arguments: Arguments, span: Span) -> None:
    """Follow the functions that an operation runs, not those whose result it records."""
    _hand_context(frame, operation, arguments)
    handed = arguments.without(operation.records) if operation.records else arguments
    escape(frame, handed, span)
    _refer(frame, handed, span)


def _hand_context(frame: Frame, operation: Operation, arguments: Arguments) -> None:
    """Give the functions that an operation runs a context of their own."""
    context = frame.program.dialects.context_of(operation)
    for value in flat(arguments.at(operation.runs)):
        if isinstance(value, FunctionRef) and context is not None and operation.context is not None:
            names = [parameter.name for parameter in value.function.parameters]
            place = operation.context + (value.receiver is not None)
            if place < len(names):
                made = external(context.handed_to(value.function))
                frame.program.cells.write(value.function, names[place], made)


def _refer(frame: Frame, arguments: Arguments, span: Span) -> None:
    """Find effects handed over by name, as in `sorted(items, key=random.random)`."""
    for value in flat(arguments.everything()):
        if isinstance(value, External):
            effect = frame.program.catalog.effect_of_call(
                value.name, arguments=0, shared=value.shared
            )
            if effect is not None and effect.pure_from is None:
                frame.add_effect(EffectSite(span=span, name=value.name, effect=effect, how="call"))


def _apply_function(frame: Frame, callee: FunctionRef, arguments: Arguments, span: Span) -> Values:
    declared = _declared_name(frame, callee.function)
    if declared is not None:
        effect = frame.program.catalog.declared[declared]
        if effect is not None:
            frame.add_effect(EffectSite(span=span, name=declared, effect=effect, how="call"))
        return frame.program.cells.read(callee.function, RETURNED, frame.unit) or UNKNOWN
    if not callee.passed:
        _connect(frame, callee, span)
    _connect_all(frame, arguments, span)
    receiver = () if callee.receiver is None else (one(callee.receiver),)
    result = _enter(frame, callee.function, arguments, receiver)
    for branch in frame.program.cells.read(callee.function, BRANCHES, frame.unit):
        if isinstance(branch, FunctionRef):
            _connect(frame, branch, span)
            result |= _enter(frame, branch.function, arguments, receiver)
    return join([result, *_enter_all(frame, callee.decorates, arguments, None)])


def _declared_name(frame: Frame, function: Function) -> str | None:
    """Give the name under which the project has said what a function does, so that nobody needs to look inside."""
    declared = frame.program.catalog.declared
    name = frame.program.project.full_name(function) if declared else ""
    return name if name in declared else None


def _enter_all(
    frame: Frame, functions: Iterable[Function], arguments: Arguments, span: Span | None
) -> Iterator[Values]:
    for function in functions:
        if span is not None:
            frame.add_edge(function, span)
        yield _enter(frame, function, arguments, ())


def _connect_all(frame: Frame, arguments: Arguments, span: Span) -> None:
    """Connect the caller to the functions it hands over, so that the path of each names who chose it."""
    for value in flat(arguments.everything()):
        if isinstance(value, FunctionRef):
            _connect(frame, value, span)


def _connect(frame: Frame, reference: FunctionRef, span: Span) -> None:
    if reference.passed or _declared_name(frame, reference.function) is not None:
        return
    for function in (reference.function, *reference.decorates):
        frame.add_edge(function, span)
        frame.program.cells.need(function)


def _enter(
    frame: Frame, function: Function, arguments: Arguments, receiver: tuple[Values, ...]
) -> Values:
    """Hand arguments to the parameters of a function and read what it gives."""
    cells = frame.program.cells
    cells.need(function)
    positional = [*receiver, *map(_as_passed, arguments.positional)]
    keywords = {name: _as_passed(values) for name, values in arguments.keywords}
    loose = _as_passed(join(element(value) for values in arguments.starred for value in values))
    for parameter in function.parameters:
        if parameter.kind == "positional":
            given = positional.pop(0) if positional else keywords.get(parameter.name, NOTHING)
            cells.write(function, parameter.name, given | loose)
        elif parameter.kind == "rest":
            cells.write(function, parameter.name, collection("tuple", join(positional) | loose))
        elif parameter.kind == "keyword":
            cells.write(function, parameter.name, keywords.get(parameter.name, NOTHING) | loose)
        else:
            cells.write(
                function, parameter.name, collection("dict", join(keywords.values()) | loose)
            )
    return cells.read(function, RETURNED, frame.unit)


def _as_passed(values: Values) -> Values:
    """Mark functions as handed over: who hands them over is already connected to them."""
    return frozenset(
        replace(value, passed=True)
        if isinstance(value, FunctionRef)
        else replace(value, items=_as_passed(value.items))
        if isinstance(value, Collection)
        else value
        for value in values
    )


def _open(frame: Frame, reference: FunctionRef) -> None:
    """Let unknown code call a function: its parameters may be anything."""
    function = reference.function
    frame.program.cells.need(function)
    names = [parameter.name for parameter in function.parameters]
    if reference.receiver is not None and names:
        frame.program.cells.write(function, names.pop(0), one(reference.receiver))
    for name in names:
        frame.program.cells.offer(function, name, UNKNOWN)


def _escape_hooks(frame: Frame, definition: Class, span: Span) -> None:
    """Treat an object of a subclass of library code as called back by that library."""
    bases = [item.name for item in lineage(frame, definition) if isinstance(item, External)]
    if all(name.startswith(INERT_BASES) for name in bases):
        return
    for statement in definition.body:
        match statement:
            case model.Define(definition=Function() as method) if not method.name.startswith("_"):
                reference = FunctionRef(function=method, receiver=Instance(definition=definition))
                _connect(frame, reference, span)
                _open(frame, reference)


def _construct(frame: Frame, definition: Class, arguments: Arguments, span: Span) -> Values:
    _connect_all(frame, arguments, span)
    made = Instance(definition=definition)
    classes = [item for item in lineage(frame, definition) if isinstance(item, Class)]
    for name in ("__new__", "__init__", "__post_init__"):
        if any(name in frame.program.project.attributes(item) for item in classes):
            for method in look_up_attribute(frame, made, name):
                given = Arguments() if name == "__post_init__" else arguments
                _call_back(frame, method, given, span)
    _fill_fields(frame, classes, arguments)
    if definition not in frame.making:
        frame.making.add(definition)
        _run_factories(frame, classes, arguments, span)
        frame.making.discard(definition)
    return one(made)


def _fill_fields(frame: Frame, classes: list[Class], arguments: Arguments) -> None:
    """Give the fields of a data class what its constructor was given."""
    fields = [name for item in reversed(classes) for name in _fields(item)]
    for name, values in zip(fields, arguments.positional, strict=False):
        frame.program.cells.write(classes[0], name, _as_passed(values))
    for name, values in arguments.keywords:
        if name in fields:
            frame.program.cells.write(classes[0], name, _as_passed(values))


def _fields(definition: Class) -> Iterator[str]:
    for statement in definition.body:
        match statement:
            case model.Assign(targets=(model.Name(id=name),), annotation=annotation) if (
                annotation is not None
            ):
                yield name


def _run_factories(frame: Frame, classes: list[Class], arguments: Arguments, span: Span) -> None:
    """Run the default factories of fields that the call leaves out."""
    given = {name for name, _ in arguments.keywords}
    for item in classes:
        for name in _fields(item):
            if name not in given:
                for factory in frame.program.cells.read(item, f"{FACTORIES}{name}", frame.unit):
                    apply(frame, factory, Arguments(), span)
