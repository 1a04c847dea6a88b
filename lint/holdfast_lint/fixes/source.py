"""One file as fixes see it: its tree with places and parents, and what its names stand for."""

import builtins
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from holdfast_lint.model import Span
from holdfast_lint.module import lines_of

FUNCTIONS = (cst.FunctionDef, cst.Lambda)
# Code inside these runs at another time than the code around them.
LATER = (cst.Lambda, cst.GeneratorExp, cst.ClassDef)

NodeT = TypeVar("NodeT", bound=cst.CSTNode)


class Source:
    """Hold a parsed file.

    Raises:
        libcst.ParserSyntaxError: if the text cannot be parsed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = cst.parse_module(text)
        wrapper = MetadataWrapper(self.tree, unsafe_skip_copy=True)
        self._places = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self.newline = self.tree.default_newline

    @cached_property
    def lines(self) -> list[str]:
        """List the lines without their ends."""
        return lines_of(self.text)

    @cached_property
    def _by_start(self) -> dict[tuple[int, int], list[cst.CSTNode]]:
        found: dict[tuple[int, int], list[cst.CSTNode]] = {}
        for node, place in self._places.items():
            if not callable(place):
                found.setdefault((place.start.line, place.start.column), []).append(node)
        return found

    def span(self, node: cst.CSTNode) -> Span:
        """Give the place of a node, without the brackets around it."""
        place = self._places[node]
        start, end = place.start, place.end
        return Span(line=start.line, column=start.column, end_line=end.line, end_column=end.column)

    def code(self, node: cst.CSTNode) -> str:
        """Give a node as it is written, with its brackets."""
        return self.tree.code_for_node(node).strip()

    def at(self, span: Span, kind: type[NodeT]) -> NodeT | None:
        """Find the node of a kind that stands exactly there."""
        for node in self._by_start.get((span.line, span.column), ()):
            if isinstance(node, kind) and self.span(node) == span:
                return node
        return None

    def expression_at(self, span: Span) -> cst.BaseExpression | None:
        """Find the outermost expression that stands exactly there."""
        for node in self._by_start.get((span.line, span.column), ()):
            if isinstance(node, cst.BaseExpression) and self.span(node) == span:
                return node
        return None

    def starting(self, span: Span, kind: type[NodeT]) -> NodeT | None:
        """Find the first node of a kind that begins there."""
        for node in self._by_start.get((span.line, span.column), ()):
            if isinstance(node, kind):
                return node
        return None

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Give the node around a node."""
        return self._parents.get(node)

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield the nodes around a node, from the inside out."""
        outer = self.parent(node)
        while outer is not None:
            yield outer
            outer = self.parent(outer)

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """Give the function whose code a node is, when it runs with that function and not later."""
        for outer in self.around(node):
            if isinstance(outer, cst.FunctionDef):
                return outer
            if isinstance(outer, LATER):
                return None
        return None

    def can_await(self, node: cst.CSTNode) -> bool:
        """Tell whether `await` may be written at a node."""
        function = self.function(node)
        return (
            function is not None
            and function.asynchronous is not None
            and not any(
                isinstance(outer, cst.Param | cst.Annotation | cst.Decorator)
                for outer in self._inside(node, function)
            )
        )

    def _inside(self, node: cst.CSTNode, end: cst.CSTNode) -> Iterator[cst.CSTNode]:
        for outer in self.around(node):
            if outer is end:
                return
            yield outer

    # Names

    def is_label(self, node: cst.Name) -> bool:
        """Tell an attribute or the keyword of an argument from a name that stands for something."""
        outer = self.parent(node)
        return (isinstance(outer, cst.Attribute) and outer.attr is node) or (
            isinstance(outer, cst.Arg) and outer.keyword is node
        )

    @cached_property
    def imports(self) -> dict[str, str]:
        """Map the names that the top level of the file imports to what they stand for."""
        return dict(_imported(self.tree.body))

    def functions(self, node: cst.CSTNode) -> Sequence[cst.FunctionDef | cst.Lambda]:
        """List the functions around a node, from the inside out."""
        return [outer for outer in self.around(node) if isinstance(outer, FUNCTIONS)]

    def binds(self, name: str, node: cst.CSTNode) -> bool:
        """Tell whether a function around a node, or a comprehension in it, gives a name another meaning."""
        return any(name in bound_in(function) for function in self.functions(node))

    @cached_property
    def _assigned(self) -> frozenset[str]:
        return frozenset(name for part in self.tree.body for name in _assigned(part))

    def is_free(self, name: str) -> bool:
        """Tell whether the top level may give a name a meaning that it does not have yet."""
        return name not in self._assigned and name not in self.imports

    def resolve(self, node: cst.BaseExpression) -> str | None:
        """Give the full name of what a dotted name stands for, such as `datetime.datetime.now`."""
        match node:
            case cst.Name(value=name):
                return self._resolve_name(name, node)
            case cst.Attribute(value=base, attr=cst.Name(value=name)):
                known = self.resolve(base)
                return None if known is None else f"{known}.{name}"
            case _:
                return None

    def _resolve_name(self, name: str, node: cst.CSTNode) -> str | None:
        for function in self.functions(node):
            if isinstance(function, cst.FunctionDef):
                local = dict(_imported(function.body.body))
                if name in local:
                    return local[name]
            if name in bound_in(function):
                return None
        if name in self.imports:
            return self.imports[name]
        return f"builtins.{name}" if self.is_free(name) and hasattr(builtins, name) else None


def _imported(body: Sequence[cst.CSTNode]) -> Iterator[tuple[str, str]]:
    for line in body:
        for statement in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(statement, cst.Import):
                for alias in statement.names:
                    name = alias.evaluated_name
                    yield (
                        (alias.evaluated_alias, name)
                        if alias.evaluated_alias
                        else (name.partition(".")[0],) * 2
                    )
            elif isinstance(statement, cst.ImportFrom) and not isinstance(
                statement.names, cst.ImportStar
            ):
                module = "." * len(statement.relative) + dotted(statement.module)
                for alias in statement.names:
                    name = alias.evaluated_name
                    yield alias.evaluated_alias or name, f"{module}.{name}"


def dotted(node: cst.BaseExpression | None) -> str:
    """Write a dotted name."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=base, attr=cst.Name(value=name)):
            return f"{dotted(base)}.{name}"
        case _:
            return ""


def inside(node: cst.CSTNode, *skipped: type[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """Yield a node and everything in it, but nothing that is in nodes of the skipped kinds."""
    yield node
    if not isinstance(node, skipped):
        for child in node.children:
            yield from inside(child, *skipped)


def _bound_by(node: cst.CSTNode) -> Iterator[str]:
    """Yield the names that a node itself binds, other than by importing."""
    match node:
        case cst.FunctionDef(name=target) | cst.ClassDef(name=target) | cst.AsName(name=target):
            yield from _names(target)
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target):
            yield from _names(target)
        case cst.AugAssign(target=target) | cst.NamedExpr(target=target):
            yield from _names(target)
        case cst.For(target=target) | cst.CompFor(target=target):
            yield from _names(target)
        case cst.MatchAs(name=cst.Name() as target):
            yield from _names(target)


def _names(target: cst.CSTNode) -> Iterator[str]:
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from _names(element.value)


def _assigned(node: cst.CSTNode) -> Iterator[str]:
    kinds = (cst.FunctionDef, cst.ClassDef, cst.Lambda, cst.Import, cst.ImportFrom)
    for part in inside(node, *kinds):
        yield from _bound_by(part)


def bound_in(function: cst.FunctionDef | cst.Lambda) -> frozenset[str]:
    """Name what a function binds: its parameters, and whatever its own code assigns."""
    return assigned_in(function) | {parameter.name.value for parameter in parameters(function)}


def assigned_in(function: cst.FunctionDef | cst.Lambda) -> frozenset[str]:
    """Name what the own code of a function assigns."""
    return frozenset(_assigned(function.body))


def parameters(function: cst.FunctionDef | cst.Lambda) -> Iterator[cst.Param]:
    """Yield all parameters of a function."""
    given = function.params
    yield from (*given.posonly_params, *given.params, *given.kwonly_params)
    for star in (given.star_arg, given.star_kwarg):
        if isinstance(star, cst.Param):
            yield star
