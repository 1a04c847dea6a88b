"""Which names a module, class or function binds, and where a name that it does not bind lives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.model import Class, Function, Node
from holdfast_lint.module import Module, walk


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scope:
    """Be one namespace; `owner` is the class in whose body a function stands."""

    module: Module
    node: Module | Class | Function
    parent: "Scope | None"
    owner: Class | None
    bound: frozenset[str]
    outer: Mapping[str, str]

    @property
    def is_function(self) -> bool:
        """Tell a function's namespace from a module's or class's, which run once at import."""
        return isinstance(self.node, Function)

    def home(self, name: str) -> "Scope | None":
        """Find the namespace that binds `name`; nothing means the builtins or a star import."""
        scope: Scope | None = self
        if self.outer.get(name) == "global":
            scope = self._top()
        elif self.outer.get(name) == "nonlocal":
            scope = self.parent
        while scope is not None:
            # A class body is no namespace for the functions inside it.
            if name in scope.bound and (scope is self or not isinstance(scope.node, Class)):
                return scope
            scope = scope.parent
        return None

    def _top(self) -> "Scope":
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


def scopes_of(module: Module) -> dict[Module | Class | Function, Scope]:
    """Build every namespace of a module."""
    top = _scope(module, module, None)
    found: dict[Module | Class | Function, Scope] = {module: top}
    pending = [top]
    while pending:
        parent = pending.pop()
        for node in _definitions(parent.node):
            found[node] = _scope(module, node, parent)
            pending.append(found[node])
    return found


def attributes_of(definition: Class) -> frozenset[str]:
    """Name what a class body binds and what its methods assign to their first parameter."""
    names = set(_bound(definition))
    for node in _inside(definition):
        if isinstance(node, model.Define) and isinstance(node.definition, Function):
            names.update(_assigned_to_self(node.definition))
    return frozenset(names)


def stars_of(module: Module) -> Iterator[model.ImportFrom]:
    """Find `from … import *`."""
    for node in _inside(module):
        if isinstance(node, model.ImportFrom) and node.names == (("*", None),):
            yield node


def _assigned_to_self(method: Function) -> Iterator[str]:
    if not method.parameters:
        return
    receiver = method.parameters[0].name
    for node in _inside(method):
        for target in node.targets if isinstance(node, model.Assign) else ():
            match target:
                case model.Attribute(base=model.Name(id=base), name=name) if base == receiver:
                    yield name


def _scope(module: Module, node: Module | Class | Function, parent: Scope | None) -> Scope:
    outer = dict(_declared(node))
    names = set(_bound(node)) - set(outer)
    if parent is None:
        names |= set(_declared_anywhere(node))
    owner = parent.node if parent is not None and isinstance(parent.node, Class) else None
    return Scope(
        module=module, node=node, parent=parent, owner=owner, bound=frozenset(names), outer=outer
    )


def _inside(node: Module | Class | Function) -> Iterator[Node]:
    for statement in node.body:
        yield from walk(statement)


def _definitions(node: Module | Class | Function) -> Iterator[Class | Function]:
    for inner in _inside(node):
        if isinstance(inner, model.Define):
            yield inner.definition
            if isinstance(inner.definition, Function):
                yield from _lambdas(inner.definition)
        elif isinstance(inner, model.Lambda):
            yield inner.function


def _lambdas(function: Function) -> Iterator[Function]:
    """Find lambdas in a header: they belong to the namespace around the function."""
    defaults = (parameter.default for parameter in function.parameters)
    for part in (*function.decorators, *defaults):
        if part is not None:
            yield from (node.function for node in walk(part) if isinstance(node, model.Lambda))


def _bound(node: Module | Class | Function) -> Iterator[str]:
    if isinstance(node, Function):
        yield from (parameter.name for parameter in node.parameters)
    for inner in _inside(node):
        yield from _bound_by(inner)


def _bound_by(node: Node) -> Iterator[str]:
    match node:
        case model.Assign(targets=targets):
            for target in targets:
                yield from _target_names(target)
        case model.For(target=target) | model.Clause(target=target) | model.Bind(target=target):
            yield from _target_names(target)
        case model.Entered(target=target) if target is not None:
            yield from _target_names(target)
        case model.Define(definition=definition):
            yield definition.name
        case model.Handler(name=str(name)):
            yield name
        case model.Case(captures=captures):
            yield from (name.id for name in captures)
        case model.ImportModule(dotted=dotted, alias=alias):
            yield alias or dotted.partition(".")[0]
        case model.ImportFrom(names=names):
            yield from (alias or name for name, alias in names if name != "*")


def _target_names(target: model.Expression) -> Iterator[str]:
    match target:
        case model.Name(id=name):
            yield name
        case model.Display(items=items) | model.Operation(operands=items):
            for item in items:
                yield from _target_names(item)


def _declared(node: Module | Class | Function) -> Iterator[tuple[str, str]]:
    for inner in _inside(node):
        if isinstance(inner, model.Declare):
            yield from ((name, inner.scope) for name in inner.names)


def _declared_anywhere(node: Module | Class | Function) -> Iterator[str]:
    """Find names that some function declares global: the module binds them, even if it never assigns them."""
    for name, scope in _declared(node):
        if scope == "global":
            yield name
    for inner in _definitions(node):
        yield from _declared_anywhere(inner)
