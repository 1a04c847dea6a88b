"""libcst statements → `model` statements."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import libcst as cst

from holdfast_lint import model
from holdfast_lint.collect.expressions import Reader
from holdfast_lint.model import Span, Statement


def read_block(reader: Reader, nodes: Iterable[cst.CSTNode]) -> tuple[Statement, ...]:
    """Read statements in order."""
    return tuple(statement for node in nodes for statement in _statements(reader, node))


def _statements(reader: Reader, node: cst.CSTNode) -> Iterator[Statement]:
    if isinstance(node, cst.SimpleStatementLine | cst.SimpleStatementSuite | cst.IndentedBlock):
        yield from read_block(reader, node.body)
    elif isinstance(node, cst.Import):
        yield from _imports(reader, node)
    elif isinstance(node, cst.Assert):
        yield from _assert(reader, node)
    elif (read := READERS.get(type(node))) is not None:
        yield read(reader, node)


def _body(reader: Reader, node: cst.BaseSuite) -> tuple[Statement, ...]:
    return read_block(reader, [node])


def _else(reader: Reader, node: cst.Else | cst.If | cst.Finally | None) -> tuple[Statement, ...]:
    if node is None:
        return ()
    return (_if(reader, node),) if isinstance(node, cst.If) else _body(reader, node.body)


def _evaluate(reader: Reader, node: cst.Expr) -> Statement:
    return model.Evaluate(span=reader.span(node), value=reader.read(node.value))


def _assert(reader: Reader, node: cst.Assert) -> Iterator[Statement]:
    for part in (node.test, node.msg):
        if part is not None:
            value = reader.read(part)
            tested = model.Operation(span=value.span, kind="test", operands=(value,))
            yield model.Evaluate(span=reader.span(node), value=tested)


def _assign(reader: Reader, node: cst.Assign) -> Statement:
    targets = tuple(reader.read(target.target) for target in node.targets)
    value = reader.read(node.value)
    return model.Assign(
        span=reader.span(node), targets=targets, value=value, annotation=None, augmented=False
    )


def _annotate(reader: Reader, node: cst.AnnAssign) -> Statement:
    return model.Assign(
        span=reader.span(node),
        targets=(reader.read(node.target),),
        value=reader.maybe(node.value),
        annotation=reader.annotation(node.annotation),
        augmented=False,
    )


def _augment(reader: Reader, node: cst.AugAssign) -> Statement:
    return model.Assign(
        span=reader.span(node),
        targets=(reader.read(node.target),),
        value=reader.read(node.value),
        annotation=None,
        augmented=True,
    )


def _delete(reader: Reader, node: cst.Del) -> Statement:
    target = reader.read(node.target)
    items = target.items if isinstance(target, model.Display) else (target,)
    return model.Delete(span=reader.span(node), targets=items)


def _return(reader: Reader, node: cst.Return) -> Statement:
    return model.Return(span=reader.span(node), value=reader.maybe(node.value))


def _raise(reader: Reader, node: cst.Raise) -> Statement:
    return model.Raise(span=reader.span(node), value=reader.maybe(node.exc))


def _if(reader: Reader, node: cst.If) -> Statement:
    return model.If(
        span=reader.span(node),
        test=reader.read(node.test),
        body=_body(reader, node.body),
        orelse=_else(reader, node.orelse),
    )


def _for(reader: Reader, node: cst.For) -> Statement:
    return model.For(
        span=reader.span(node),
        target=reader.read(node.target),
        iterable=reader.read(node.iter),
        body=_body(reader, node.body),
        orelse=_else(reader, node.orelse),
        asynchronous=node.asynchronous is not None,
    )


def _while(reader: Reader, node: cst.While) -> Statement:
    return model.While(
        span=reader.span(node),
        test=reader.read(node.test),
        body=_body(reader, node.body),
        orelse=_else(reader, node.orelse),
    )


def _try(reader: Reader, node: cst.Try | cst.TryStar) -> Statement:
    return model.Try(
        span=reader.span(node),
        body=_body(reader, node.body),
        handlers=tuple(_handler(reader, handler) for handler in node.handlers),
        orelse=_else(reader, node.orelse),
        final=_else(reader, node.finalbody),
    )


def _handler(reader: Reader, node: cst.ExceptHandler | cst.ExceptStarHandler) -> model.Handler:
    name = node.name.name if node.name else None
    return model.Handler(
        span=_except_span(reader.span(node)),
        type=reader.maybe(node.type),
        name=name.value if isinstance(name, cst.Name) else None,
        body=_body(reader, node.body),
    )


def _with(reader: Reader, node: cst.With) -> Statement:
    entered = tuple(
        model.Entered(
            value=reader.read(item.item),
            target=reader.read(item.asname.name) if item.asname else None,
        )
        for item in node.items
    )
    return model.With(
        span=reader.span(node),
        entered=entered,
        body=_body(reader, node.body),
        asynchronous=node.asynchronous is not None,
    )


def _match(reader: Reader, node: cst.Match) -> Statement:
    cases = tuple(_case(reader, case) for case in node.cases)
    return model.Match(span=reader.span(node), subject=reader.read(node.subject), cases=cases)


def _case(reader: Reader, node: cst.MatchCase) -> model.Case:
    names = tuple(_captures(node.pattern))
    return model.Case(
        captures=tuple(model.Name(span=reader.span(name), id=name.value) for name in names),
        guard=reader.maybe(node.guard),
        body=_body(reader, node.body),
        total=node.guard is None
        and isinstance(node.pattern, cst.MatchAs)
        and node.pattern.pattern is None,
    )


def _imports(reader: Reader, node: cst.Import) -> Iterator[Statement]:
    for alias in node.names:
        yield model.ImportModule(
            span=reader.span(node), dotted=_dotted(alias.name), alias=_alias(alias)
        )


def _import_from(reader: Reader, node: cst.ImportFrom) -> Statement:
    names = (
        (("*", None),)
        if isinstance(node.names, cst.ImportStar)
        else tuple((_dotted(alias.name), _alias(alias)) for alias in node.names)
    )
    return model.ImportFrom(
        span=reader.span(node),
        dotted=_dotted(node.module),
        level=len(node.relative),
        names=names,
    )


def _declare(reader: Reader, node: cst.Global | cst.Nonlocal) -> Statement:
    return model.Declare(
        span=reader.span(node),
        scope="global" if isinstance(node, cst.Global) else "nonlocal",
        names=tuple(item.name.value for item in node.names),
    )


def _jump(reader: Reader, node: cst.Break | cst.Continue | cst.Pass) -> Statement:
    return model.Jump(span=reader.span(node), kind=JUMPS[type(node)])


def _function(reader: Reader, node: cst.FunctionDef) -> Statement:
    parameters = reader.parameters(node.params)
    decorators = tuple(reader.read(item.decorator) for item in node.decorators)
    qualified = reader.enter(node.name.value)
    body = _body(reader, node.body)
    span = _header(reader, node, node.name)
    function = model.Function(
        span=span,
        path=reader.path,
        name=node.name.value,
        qualified=qualified,
        parameters=parameters,
        returns=reader.annotation(node.returns),
        decorators=decorators,
        body=body,
        asynchronous=node.asynchronous is not None,
        generates=reader.leave(),
    )
    return model.Define(span=span, definition=function)


def _class(reader: Reader, node: cst.ClassDef) -> Statement:
    bases = tuple(reader.read(item.value) for item in node.bases)
    decorators = tuple(reader.read(item.decorator) for item in node.decorators)
    reader.enter(node.name.value)
    body = _body(reader, node.body)
    reader.leave()
    span = _header(reader, node, node.name)
    defined = model.Class(
        span=span,
        path=reader.path,
        name=node.name.value,
        bases=bases,
        decorators=decorators,
        body=body,
    )
    return model.Define(span=span, definition=defined)


def _header(reader: Reader, node: cst.FunctionDef | cst.ClassDef, name: cst.Name) -> Span:
    start, body = reader.span(name), reader.span(node.body)
    return Span(
        line=start.line,
        column=reader.span(node).column,
        end_line=max(start.line, body.line - 1),
        end_column=start.end_column,
    )


def _except_span(span: Span) -> Span:
    return Span(
        line=span.line,
        column=span.column,
        end_line=span.line,
        end_column=span.column + len("except"),
    )


def _dotted(node: cst.BaseExpression | None) -> str:
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=base, attr=attr):
            return f"{_dotted(base)}.{attr.value}"
        case _:
            return ""


def _alias(node: cst.ImportAlias) -> str | None:
    return (
        _dotted(node.asname.name)
        if node.asname and isinstance(node.asname.name, cst.Name)
        else None
    )


def _captures(pattern: cst.CSTNode) -> Iterator[cst.Name]:
    if isinstance(pattern, cst.MatchAs | cst.MatchStar) and pattern.name is not None:
        yield pattern.name
    if isinstance(pattern, cst.MatchMapping) and pattern.rest is not None:
        yield pattern.rest
    for child in _pattern_children(pattern):
        yield from _captures(child)


def _pattern_children(pattern: cst.CSTNode) -> Sequence[cst.CSTNode]:
    parts = (
        cst.MatchPattern,
        cst.MatchSequenceElement,
        cst.MatchMappingElement,
        cst.MatchKeywordElement,
    )
    also = (cst.MatchOrElement, cst.MatchStar)
    return [child for child in pattern.children if isinstance(child, parts + also)]


JUMPS: dict[type[cst.CSTNode], Any] = {
    cst.Break: "break",
    cst.Continue: "continue",
    cst.Pass: "pass",
}

READERS: dict[type[cst.CSTNode], Callable[[Reader, Any], Statement]] = {
    cst.Expr: _evaluate,
    cst.Assign: _assign,
    cst.AnnAssign: _annotate,
    cst.AugAssign: _augment,
    cst.Del: _delete,
    cst.Return: _return,
    cst.Raise: _raise,
    cst.If: _if,
    cst.For: _for,
    cst.While: _while,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.With: _with,
    cst.Match: _match,
    cst.ImportFrom: _import_from,
    cst.Global: _declare,
    cst.Nonlocal: _declare,
    cst.Break: _jump,
    cst.Continue: _jump,
    cst.Pass: _jump,
    cst.FunctionDef: _function,
    cst.ClassDef: _class,
}
