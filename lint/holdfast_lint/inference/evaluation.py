"""What an expression stands for, and what evaluating it does."""

from collections.abc import Iterable

from holdfast_lint import model
from holdfast_lint.inference.annotations import annotated
from holdfast_lint.inference.application import apply
from holdfast_lint.inference.cells import RETURNED
from holdfast_lint.inference.frame import Frame
from holdfast_lint.inference.lookup import look_up_attribute, look_up_name
from holdfast_lint.inference.protocols import call_built_in, call_first, call_operators
from holdfast_lint.inference.results import Arguments, element
from holdfast_lint.model import Call, Expression, Function, Span
from holdfast_lint.trace import EffectSite
from holdfast_lint.values import (
    NOTHING,
    UNKNOWN,
    Collection,
    External,
    FunctionRef,
    Instance,
    Unknown,
    Value,
    Values,
    collection,
    instance_of,
    is_unordered,
    join,
    merged,
    one,
)

GROWS = frozenset(
    {"append", "add", "extend", "insert", "update", "appendleft", "setdefault", "put_nowait"}
)


def evaluate(frame: Frame, expression: Expression) -> Values:
    """Evaluate an expression and note what it may be."""
    values = merged(_evaluate(frame, expression))
    known = frame.trace.values.get(expression)
    frame.trace.values[expression] = values if known is None else known | values
    return values


def _evaluate(frame: Frame, expression: Expression) -> Values:  # noqa: C901, PLR0911, PLR0912 - one arm per kind
    match expression:
        case model.Name(id=name):
            return _touched(frame, look_up_name(frame, name), expression.span)
        case model.Attribute():
            return _attribute(frame, expression)
        case model.Call():
            return _call(frame, expression)
        case model.Await(value=value):
            return evaluate(frame, value)
        case model.Yield():
            return _yield(frame, expression)
        case model.Lambda(function=function):
            introduce(frame, function)
            return one(FunctionRef(function=function))
        case model.Constant(kind=kind):
            return instance_of(kind)
        case model.Display():
            return _display(frame, expression)
        case model.Comprehension():
            return _comprehension(frame, expression)
        case model.Subscript():
            return _subscript(frame, expression)
        case model.Operation():
            return _operate(frame, expression)
        case model.Bind(target=target, value=value):
            values = evaluate(frame, value)
            assign(frame, target, values)
            return values


def introduce(frame: Frame, function: Function) -> None:
    """Write down what a function's header says: types and defaults of parameters, type of the result."""
    cells = frame.program.cells
    for parameter in function.parameters:
        known = annotated(frame, parameter.annotation)
        if parameter.kind == "rest":
            known = collection("tuple", known)
        elif parameter.kind == "keywords":
            known = collection("dict", known)
        elif parameter.default is not None:
            known |= evaluate(frame, parameter.default)
        cells.write(function, parameter.name, known)
    returned = annotated(frame, function.returns)
    if not (function.generates and _is_generator(returned)):
        cells.write(function, RETURNED, returned)


def assign(frame: Frame, target: Expression, values: Values) -> None:
    """Bind a target."""
    match target:
        case model.Name(id=name):
            frame.bind(name, values)
        case model.Display(items=items):
            for item in items:
                assign(frame, item, join(iterate(frame, value, target.span) for value in values))
        case model.Operation(kind="star", operands=(inner,)):
            assign(frame, inner, collection("list", values))
        case model.Attribute(base=base, name=name):
            for value in evaluate(frame, base):
                if isinstance(value, Instance):
                    frame.program.cells.write(value.definition, name, values)
        case model.Subscript(base=base, indices=indices):
            _assign_item(frame, base, indices, values)
        case _:
            evaluate(frame, target)


def iterate(frame: Frame, value: Value, span: Span) -> Values:
    """Give what a loop over a value yields."""
    if not isinstance(value, Instance):
        return element(value) or UNKNOWN
    found: set[Value] = set()
    for start, step in (("__iter__", "__next__"), ("__aiter__", "__anext__")):
        for iterator in call_method(frame, value, start, span):
            found |= element(iterator)
            if isinstance(iterator, Instance):
                found |= call_method(frame, iterator, step, span)
    return frozenset(found)


def call_method(frame: Frame, value: Instance, name: str, span: Span, given: int = 0) -> Values:
    """Call a method that the language calls by itself."""
    arguments = Arguments(positional=(UNKNOWN,) * given, given=given)
    methods = look_up_attribute(frame, value, name)
    return join(apply(frame, method, arguments, span) for method in methods)


def _is_generator(values: Values) -> bool:
    return any(isinstance(value, Collection) for value in values)


def _touched(frame: Frame, values: Values, span: Span) -> Values:
    for value in values:
        if isinstance(value, External):
            effect = frame.program.catalog.effect_of_read(value.name)
            if effect is not None:
                frame.add_effect(EffectSite(span=span, name=value.name, effect=effect, how="read"))
    return values


def _attribute(frame: Frame, expression: model.Attribute) -> Values:
    found: set[Value] = set()
    for base in evaluate(frame, expression.base):
        for value in look_up_attribute(frame, base, expression.name):
            if isinstance(value, FunctionRef) and value.binding == "property":
                found |= apply(frame, value, Arguments(), expression.span)
            else:
                found.add(value)
    return _touched(frame, frozenset(found), expression.span)


def _call(frame: Frame, call: Call) -> Values:
    arguments = _arguments(frame, call.arguments)
    callees = _without_pure_twins(frame, evaluate(frame, call.function))
    if External(name="builtins.getattr") in callees:
        callees, result = callees - {External(name="builtins.getattr")}, _getattr(frame, call)
    else:
        result = NOTHING
    known = frame.trace.callees.get(call, NOTHING)
    frame.trace.callees[call] = (
        known | callees | ({External(name="builtins.getattr")} if result else NOTHING)
    )
    _grow(frame, call, arguments)
    call_built_in(frame, callees, arguments, call.span)
    return join([result, *(apply(frame, callee, arguments, call.span) for callee in callees)])


def _without_pure_twins(frame: Frame, callees: Values) -> Values:
    """Drop effects that only one reading of a union has: `str.replace` when a value may be a str or a Path."""
    outside = [value for value in callees if isinstance(value, External)]
    catalog = frame.program.catalog
    harmless = frozenset(
        value
        for value in outside
        if catalog.effect_of_call(value.name, arguments=0, shared=value.shared) is None
    )
    pure = any(value.name.startswith("builtins.") and "()." in value.name for value in harmless)
    known = sum(not isinstance(value, Unknown) for value in callees)
    return callees - (frozenset(outside) - harmless) if pure and len(outside) >= known else callees


def _arguments(frame: Frame, nodes: tuple[model.Argument, ...]) -> Arguments:
    positional: list[Values] = []
    keywords: list[tuple[str, Values]] = []
    starred: list[Values] = []
    given = 0
    for node in nodes:
        values = evaluate(frame, node.value)
        given += not (isinstance(node.value, model.Constant) and node.value.kind == "NoneType")
        if node.star:
            starred.append(values)
        elif node.keyword is not None:
            keywords.append((node.keyword, values))
        else:
            positional.append(values)
    # An unpacked argument may hold any number of them.
    given += 9 if starred else 0
    return Arguments(
        positional=tuple(positional), keywords=tuple(keywords), starred=tuple(starred), given=given
    )


def _getattr(frame: Frame, call: Call) -> Values:
    match call.arguments:
        case (model.Argument(value=base), model.Argument(value=model.Constant(text=str(name))), *_):
            return join(look_up_attribute(frame, value, name) for value in evaluate(frame, base))
        case _:
            return UNKNOWN


def _grow(frame: Frame, call: Call, arguments: Arguments) -> None:
    """Let `steps.append(step)` add to what `steps` holds, and `steps.sort()` put it in order."""
    match call.function:
        case model.Attribute(base=base, name="sort"):
            for value in evaluate(frame, base):
                if isinstance(value, Collection) and value.unordered and value.kind == "list":
                    _regrow(frame, base, collection("list", value.items))
        case model.Attribute(base=base, name=name) if name in GROWS:
            for value in evaluate(frame, base):
                if isinstance(value, Collection):
                    added = join(arguments.everything())
                    if name in {"extend", "update"}:
                        added = join(element(item) for item in added)
                    grown = collection(value.kind, value.items | added, unordered=value.unordered)
                    _regrow(frame, base, grown)


def _regrow(frame: Frame, base: Expression, grown: Values) -> None:
    if isinstance(base, model.Name):
        others = frozenset(
            value for value in look_up_name(frame, base.id) if not isinstance(value, Collection)
        )
        frame.bind(base.id, others | grown)
    elif isinstance(base, model.Attribute):
        assign(frame, base, grown)


def _assign_item(
    frame: Frame, base: Expression, indices: Iterable[Expression], values: Values
) -> None:
    for index in indices:
        evaluate(frame, index)
    for value in _untouched(frame, base):
        effect = (
            frame.program.catalog.effect_of_write(value.name)
            if isinstance(value, External)
            else None
        )
        if isinstance(value, External) and effect is not None:
            site = EffectSite(span=base.span, name=value.name, effect=effect, how="write")
            frame.add_effect(site)
        elif isinstance(value, Collection):
            grown = collection(value.kind, value.items | values, unordered=value.unordered)
            _regrow(frame, base, grown)


def _untouched(frame: Frame, base: Expression) -> Values:
    """Evaluate what is about to be written: that does not count as reading it."""
    if isinstance(base, model.Name):
        return look_up_name(frame, base.id)
    if isinstance(base, model.Attribute):
        owners = evaluate(frame, base.base)
        return join(look_up_attribute(frame, value, base.name) for value in owners)
    return evaluate(frame, base)


def _yield(frame: Frame, expression: model.Yield) -> Values:
    values = evaluate(frame, expression.value) if expression.value is not None else NOTHING
    if expression.delegates:
        values = join(iterate(frame, value, expression.span) for value in values)
    if isinstance(frame.unit, Function):
        frame.program.cells.write(frame.unit, RETURNED, collection("generator", values))
    return UNKNOWN


def _display(frame: Frame, expression: model.Display) -> Values:
    for key in expression.keys:
        evaluate(frame, key)
    held: set[Value] = set()
    for item in expression.items:
        values = evaluate(frame, item)
        starred = isinstance(item, model.Operation) and item.kind == "star"
        held |= join(element(value) for value in values) if starred else values
    return collection(expression.kind, frozenset(held))


def _comprehension(frame: Frame, expression: model.Comprehension) -> Values:
    loose = expression.kind == "set"
    for clause in expression.clauses:
        source = evaluate(frame, clause.iterable)
        loose = loose or is_unordered(source)
        assign(
            frame,
            clause.target,
            join(iterate(frame, value, clause.iterable.span) for value in source),
        )
        for condition in clause.conditions:
            evaluate(frame, condition)
    for key in expression.keys:
        evaluate(frame, key)
    held = join(evaluate(frame, item) for item in expression.items)
    return collection(expression.kind, held, unordered=loose)


def _subscript(frame: Frame, expression: model.Subscript) -> Values:
    indices = [evaluate(frame, index) for index in expression.indices]
    found: set[Value] = set()
    for value in evaluate(frame, expression.base):
        match value:
            case Collection(items=items):
                found |= items or UNKNOWN
            case External(name=name) if "()" in name or name.rpartition(".")[2].islower():
                found |= frame.outside(f"{name}[]")
            case External():
                found.add(value)
            case Instance():
                names = ("__getitem__",)
                given = call_first(frame, one(value), names, expression.span, join(indices))
                found |= given or UNKNOWN
            case _:
                found |= UNKNOWN
    return frozenset(found)


def _operate(frame: Frame, expression: model.Operation) -> Values:
    parts = [evaluate(frame, operand) for operand in expression.operands]
    computed = call_operators(frame, expression, parts)
    match expression.kind:
        case "test":
            return instance_of("bool")
        case "text":
            return instance_of("str")
        case "choice":
            return join(parts[1:])
        case "binary":
            return join([computed, *(_computed(part) for part in parts)])
        case "either" | "star":
            return join(parts)


def _computed(values: Values) -> Values:
    """Give what arithmetic keeps of an operand: `folder / "name"` is a path, `one | other` a set."""
    return frozenset(
        value
        for value in values
        if isinstance(value, Collection)
        or (isinstance(value, External) and value.name.endswith("()"))
    )
