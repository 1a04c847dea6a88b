"""libcst expressions → `model` expressions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import libcst as cst
from libcst.metadata import CodeRange

from holdfast_lint import model
from holdfast_lint.model import Expression, Span

WORDS = {"True": "bool", "False": "bool", "None": "NoneType"}


class Reader:
    """Read the expressions of one file.

    `fixed` stands in for every position while a quoted annotation is read: its inside has no position of its own.
    """

    def __init__(
        self, path: str, positions: Mapping[cst.CSTNode, CodeRange], fixed: Span | None = None
    ) -> None:
        self.path = path
        self._positions = positions
        self._fixed = fixed
        self._names: list[str] = []
        self._yields: list[bool] = []

    def span(self, node: cst.CSTNode) -> Span:
        """Give the place of a node."""
        if self._fixed is not None:
            return self._fixed
        place = self._positions[node]
        start, end = place.start, place.end
        return Span(line=start.line, column=start.column, end_line=end.line, end_column=end.column)

    def enter(self, name: str) -> str:
        """Open a definition and give its qualified name."""
        self._names.append(name)
        self._yields.append(False)
        return ".".join(self._names)

    def leave(self) -> bool:
        """Close a definition; tell whether it yields."""
        self._names.pop()
        return self._yields.pop()

    def note_yield(self) -> None:
        """Remember that the open definition is a generator."""
        if self._yields:
            self._yields[-1] = True

    def read(self, node: cst.BaseExpression) -> Expression:
        """Read one expression."""
        read = READERS.get(type(node))
        if read is None:
            return model.Constant(span=self.span(node), kind="object", text=None)
        return read(self, node)

    def maybe(self, node: cst.BaseExpression | None) -> Expression | None:
        """Read an expression that may be absent."""
        return None if node is None else self.read(node)

    def annotation(self, node: cst.Annotation | None) -> Expression | None:
        """Read an annotation, also a quoted one."""
        if node is None:
            return None
        inner = node.annotation
        if not isinstance(inner, cst.SimpleString) or not isinstance(inner.evaluated_value, str):
            return self.read(inner)
        try:
            quoted = cst.parse_expression(inner.evaluated_value)
        except cst.ParserSyntaxError:
            return None
        return Reader(self.path, {}, self.span(inner)).read(quoted)

    def parameters(self, node: cst.Parameters) -> tuple[model.Parameter, ...]:
        """Read a parameter list in the order in which arguments fill it."""
        found = [
            _parameter(self, item, "positional") for item in (*node.posonly_params, *node.params)
        ]
        if isinstance(node.star_arg, cst.Param):
            found.append(_parameter(self, node.star_arg, "rest"))
        found.extend(_parameter(self, item, "keyword") for item in node.kwonly_params)
        if node.star_kwarg is not None:
            found.append(_parameter(self, node.star_kwarg, "keywords"))
        return tuple(found)


def _parameter(reader: Reader, node: cst.Param, kind: str) -> model.Parameter:
    return model.Parameter(
        name=node.name.value,
        kind=cast("Any", kind),
        annotation=reader.annotation(node.annotation),
        default=reader.maybe(node.default),
    )


def _name(reader: Reader, node: cst.Name) -> Expression:
    if node.value in WORDS:
        return model.Constant(span=reader.span(node), kind=WORDS[node.value], text=node.value)
    return model.Name(span=reader.span(node), id=node.value)


def _attribute(reader: Reader, node: cst.Attribute) -> Expression:
    return model.Attribute(
        span=reader.span(node), base=reader.read(node.value), name=node.attr.value
    )


def _call(reader: Reader, node: cst.Call) -> Expression:
    arguments = tuple(
        model.Argument(
            value=reader.read(item.value),
            keyword=item.keyword.value if item.keyword else None,
            star=item.star,
        )
        for item in node.args
    )
    return model.Call(span=reader.span(node), function=reader.read(node.func), arguments=arguments)


def _await(reader: Reader, node: cst.Await) -> Expression:
    return model.Await(span=reader.span(node), value=reader.read(node.expression))


def _yield(reader: Reader, node: cst.Yield) -> Expression:
    reader.note_yield()
    if isinstance(node.value, cst.From):
        return model.Yield(
            span=reader.span(node), value=reader.read(node.value.item), delegates=True
        )
    return model.Yield(span=reader.span(node), value=reader.maybe(node.value), delegates=False)


def _lambda(reader: Reader, node: cst.Lambda) -> Expression:
    span = reader.span(node)
    parameters = reader.parameters(node.params)
    qualified = reader.enter("<lambda>")
    value = reader.read(node.body)
    generates = reader.leave()
    function = model.Function(
        span=span,
        path=reader.path,
        name="<lambda>",
        qualified=qualified,
        parameters=parameters,
        returns=None,
        decorators=(),
        body=(model.Return(span=value.span, value=value),),
        asynchronous=False,
        generates=generates,
    )
    return model.Lambda(span=span, function=function)


def _string(reader: Reader, node: cst.SimpleString) -> Expression:
    value = node.evaluated_value
    text = value if isinstance(value, str) else None
    return model.Constant(
        span=reader.span(node), kind="str" if text is not None else "bytes", text=text
    )


def _joined(reader: Reader, node: cst.ConcatenatedString) -> Expression:
    operands = (reader.read(node.left), reader.read(node.right))
    return model.Operation(span=reader.span(node), kind="text", operands=operands)


def _formatted(reader: Reader, node: cst.FormattedString) -> Expression:
    operands = tuple(_inserted(reader, node.parts))
    return model.Operation(span=reader.span(node), kind="text", operands=operands)


def _inserted(
    reader: Reader, parts: Iterable[cst.BaseFormattedStringContent]
) -> Iterator[Expression]:
    for part in parts:
        if isinstance(part, cst.FormattedStringExpression):
            yield reader.read(part.expression)
            yield from _inserted(reader, part.format_spec or ())


def _display(reader: Reader, node: cst.List | cst.Tuple | cst.Set) -> Expression:
    items = tuple(_element(reader, element) for element in node.elements)
    return model.Display(span=reader.span(node), kind=KINDS[type(node)], keys=(), items=items)


def _element(reader: Reader, node: cst.BaseElement | cst.BaseDictElement) -> Expression:
    value = reader.read(node.value)
    if isinstance(node, cst.StarredElement | cst.StarredDictElement):
        return model.Operation(span=value.span, kind="star", operands=(value,))
    return value


def _dict(reader: Reader, node: cst.Dict) -> Expression:
    keys = tuple(
        reader.read(item.key) for item in node.elements if isinstance(item, cst.DictElement)
    )
    items = tuple(_element(reader, element) for element in node.elements)
    return model.Display(span=reader.span(node), kind="dict", keys=keys, items=items)


def _comprehension(
    reader: Reader, node: cst.ListComp | cst.SetComp | cst.GeneratorExp
) -> Expression:
    return model.Comprehension(
        span=reader.span(node),
        kind=KINDS[type(node)],
        keys=(),
        clauses=tuple(_clauses(reader, node.for_in)),
        items=(reader.read(node.elt),),
    )


def _dict_comprehension(reader: Reader, node: cst.DictComp) -> Expression:
    return model.Comprehension(
        span=reader.span(node),
        kind="dict",
        keys=(reader.read(node.key),),
        clauses=tuple(_clauses(reader, node.for_in)),
        items=(reader.read(node.value),),
    )


def _clauses(reader: Reader, node: cst.CompFor | None) -> Iterable[model.Clause]:
    while node is not None:
        yield model.Clause(
            target=reader.read(node.target),
            iterable=reader.read(node.iter),
            conditions=tuple(reader.read(condition.test) for condition in node.ifs),
            asynchronous=node.asynchronous is not None,
        )
        node = node.inner_for_in


def _subscript(reader: Reader, node: cst.Subscript) -> Expression:
    indices: list[Expression] = []
    for element in node.slice:
        match element.slice:
            case cst.Index(value=value):
                indices.append(reader.read(value))
            case cst.Slice(lower=lower, upper=upper, step=step):
                parts = (part for part in (lower, upper, step) if part is not None)
                indices.extend(reader.read(part) for part in parts)
    return model.Subscript(
        span=reader.span(node), base=reader.read(node.value), indices=tuple(indices)
    )


def _binary(reader: Reader, node: cst.BinaryOperation) -> Expression:
    operators = (type(node.operator).__name__,)
    return _operation(reader, node, "binary", operators, node.left, node.right)


def _unary(reader: Reader, node: cst.UnaryOperation) -> Expression:
    kind = "test" if isinstance(node.operator, cst.Not) else "binary"
    return _operation(reader, node, kind, (type(node.operator).__name__,), node.expression)


def _boolean(reader: Reader, node: cst.BooleanOperation) -> Expression:
    name = type(node.operator).__name__
    return _operation(reader, node, "either", (name,), node.left, node.right)


def _comparison(reader: Reader, node: cst.Comparison) -> Expression:
    compared = (item.comparator for item in node.comparisons)
    operators = tuple(type(item.operator).__name__ for item in node.comparisons)
    return _operation(reader, node, "test", operators, node.left, *compared)


def _choice(reader: Reader, node: cst.IfExp) -> Expression:
    return _operation(reader, node, "choice", (), node.test, node.body, node.orelse)


def _operation(
    reader: Reader,
    node: cst.BaseExpression,
    kind: str,
    operators: tuple[str, ...],
    *operands: cst.BaseExpression,
) -> Expression:
    read = tuple(reader.read(operand) for operand in operands)
    return model.Operation(
        span=reader.span(node), kind=cast("Any", kind), operands=read, operators=operators
    )


def _bind(reader: Reader, node: cst.NamedExpr) -> Expression:
    return model.Bind(
        span=reader.span(node), target=reader.read(node.target), value=reader.read(node.value)
    )


def _number(reader: Reader, node: cst.Integer | cst.Float | cst.Imaginary) -> Expression:
    return model.Constant(span=reader.span(node), kind=NUMBERS[type(node)], text=node.value)


KINDS: dict[type[cst.CSTNode], model.CollectionKind] = {
    cst.List: "list",
    cst.ListComp: "list",
    cst.Tuple: "tuple",
    cst.Set: "set",
    cst.SetComp: "set",
    cst.GeneratorExp: "generator",
}
NUMBERS: dict[type[cst.CSTNode], str] = {
    cst.Integer: "int",
    cst.Float: "float",
    cst.Imaginary: "complex",
}

# A table, because libcst's visitors look up two methods by name for every node, which is most of their cost.
READERS: dict[type[cst.CSTNode], Callable[[Reader, Any], Expression]] = {
    cst.Name: _name,
    cst.Attribute: _attribute,
    cst.Call: _call,
    cst.Await: _await,
    cst.Yield: _yield,
    cst.Lambda: _lambda,
    cst.SimpleString: _string,
    cst.ConcatenatedString: _joined,
    cst.FormattedString: _formatted,
    cst.List: _display,
    cst.Tuple: _display,
    cst.Set: _display,
    cst.Dict: _dict,
    cst.ListComp: _comprehension,
    cst.SetComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    cst.DictComp: _dict_comprehension,
    cst.Subscript: _subscript,
    cst.BinaryOperation: _binary,
    cst.UnaryOperation: _unary,
    cst.BooleanOperation: _boolean,
    cst.Comparison: _comparison,
    cst.IfExp: _choice,
    cst.NamedExpr: _bind,
    cst.Integer: _number,
    cst.Float: _number,
    cst.Imaginary: _number,
}
