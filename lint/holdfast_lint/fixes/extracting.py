"""HF204: a network call becomes an activity of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from holdfast_lint.diagnostic import Edit, Fix
from holdfast_lint.fixes.site import Site
from holdfast_lint.fixes.source import Source, assigned_in, bound_in, inside, parameters
from holdfast_lint.model import Span

TITLE = "move it into an activity"
# What the last attribute of an answer gives, in every client that has it.
TYPES = {"text": "str", "status_code": "int", "content": "bytes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Be the expression that moves, the function it is in, and the names that it needs handed over."""

    whole: cst.BaseExpression
    function: cst.FunctionDef
    needs: Sequence[cst.Param]
    alone: bool


def extract(site: Site) -> Iterator[Fix]:
    """Make an activity of a call and what is read from its answer, since an answer as such cannot be recorded."""
    call = site.source.at(site.item.span, cst.Call)
    part = None if call is None else _part(site.source, call)
    if call is None or part is None or site.replacements.activity is None:
        return
    top = list(site.source.around(part.function))
    outer = top[-2] if len(top) > 1 else part.function
    decorator = site.write(site.replacements.activity, outer)
    if decorator is None or not site.source.can_await(part.whole):
        return
    name = _name(site.source, call, part.function)
    arguments = ", ".join(parameter.name.value for parameter in part.needs)
    used = site.awaited(f"{name}({arguments})", part.whole)
    above = _above(site.source, outer, _definition(site.source, part, name, decorator.text))
    yield Fix(
        title=TITLE,
        safe=False,
        edits=(above, site.replacing(part.whole, used), *decorator.edits),
    )


def _part(source: Source, call: cst.Call) -> _Part | None:
    whole: cst.BaseExpression = call
    outer = source.parent(whole)
    while _goes_on(outer, whole):
        assert isinstance(outer, cst.BaseExpression)  # noqa: S101 - for the type checker: `_goes_on` says so
        whole, outer = outer, source.parent(outer)
    function = source.function(whole)
    alone = isinstance(outer, cst.Expr)
    reads = not isinstance(whole, cst.Call | cst.Await) or _call_of_answer(whole, call)
    if function is None or not (alone or reads):
        return None
    needs = _needs(source, whole, function)
    if needs is None:
        return None
    return _Part(whole=whole, function=function, needs=needs, alone=alone)


def _goes_on(outer: cst.CSTNode | None, inner: cst.CSTNode) -> bool:
    match outer:
        case cst.Attribute(value=value) | cst.Subscript(value=value):
            return value is inner
        case cst.Call(func=func):
            return func is inner
        case cst.Await(expression=expression):
            return expression is inner
        case _:
            return False


def _call_of_answer(whole: cst.BaseExpression, call: cst.Call) -> bool:
    """Tell `get(url).json()` from `get(url)` and `await get(url)`."""
    inner = whole.expression if isinstance(whole, cst.Await) else whole
    return inner is not call


def _needs(
    source: Source, whole: cst.BaseExpression, function: cst.FunctionDef
) -> list[cst.Param] | None:
    """List the parameters that an expression uses; nothing when it uses what cannot be handed over."""
    nodes = list(inside(whole))
    if any(isinstance(node, cst.Lambda | cst.CompFor) for node in nodes):
        return None
    own = {parameter.name.value: parameter for parameter in parameters(function)}
    needs: list[cst.Param] = []
    read = (node for node in nodes if isinstance(node, cst.Name) and not source.is_label(node))
    for name in dict.fromkeys(node.value for node in read):
        if name in assigned_in(function) or name in {"self", "cls"}:
            return None
        if name in own:
            needs.append(own[name])
        elif any(name in bound_in(outer) for outer in source.functions(function)):
            return None
    return needs


def _name(source: Source, call: cst.Call, function: cst.FunctionDef) -> str:
    func = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    verb = func.value if isinstance(func, cst.Name) else "call"
    stem = f"{verb}_for_{function.name.value}"
    taken = 1
    name = stem
    while not source.is_free(name):
        taken += 1
        name = f"{stem}_{taken}"
    return name


def _definition(source: Source, part: _Part, name: str, decorator: str) -> list[str]:
    waits = any(isinstance(node, cst.Await) for node in inside(part.whole))
    given = ", ".join(_declared(source, parameter) for parameter in part.needs)
    returns = "None" if part.alone else _returns(source, part)
    arrow = f" -> {returns}" if returns else ""
    body = source.code(part.whole)
    return [
        f"@{decorator}",
        f"{'async ' if waits else ''}def {name}({given}){arrow}:",
        f"    {body if part.alone else 'return ' + body}",
        "",
        "",
    ]


def _declared(source: Source, parameter: cst.Param) -> str:
    annotation = parameter.annotation
    name = parameter.name.value
    return name if annotation is None else f"{name}: {source.code(annotation.annotation)}"


def _returns(source: Source, part: _Part) -> str | None:
    outer = source.parent(part.whole)
    if isinstance(outer, cst.Return) and part.function.returns is not None:
        return source.code(part.function.returns.annotation)
    if isinstance(outer, cst.AnnAssign):
        return source.code(outer.annotation.annotation)
    if isinstance(part.whole, cst.Attribute):
        return TYPES.get(part.whole.attr.value)
    return None


def _above(source: Source, outer: cst.CSTNode, lines: list[str]) -> Edit:
    """Insert lines above a definition, its decorators and the comments that lead to it."""
    line = source.span(outer).line
    if isinstance(outer, cst.FunctionDef | cst.ClassDef) and outer.decorators:
        line = source.span(outer.decorators[0]).line
    while line > 1 and source.lines[line - 2].startswith("#"):
        line -= 1
    text = "".join(f"{part}{source.newline}" for part in lines)
    return Edit(span=Span(line=line, column=0, end_line=line, end_column=0), text=text)
