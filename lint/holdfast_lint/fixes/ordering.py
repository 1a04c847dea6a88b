"""HF401: `sorted(...)` around what has no order."""

from collections.abc import Iterator

import libcst as cst

from holdfast_lint.diagnostic import Fix
from holdfast_lint.fixes.site import Site
from holdfast_lint.fixes.source import assigned_in, parameters

TITLE = "put it in order with `sorted()`"
PLAIN = frozenset({"str", "int"})
COPIES = frozenset(
    {"builtins.set", "builtins.frozenset", "builtins.list", "builtins.tuple", "builtins.sorted"}
)


def sort(site: Site) -> Iterator[Fix]:
    """Sort what is looped over or handed on; safe when all elements are surely strings, or surely whole numbers."""
    node = site.source.expression_at(site.item.span)
    if node is None or _is_gathered(site, node):
        return
    target = _target(site, node)
    if target is None or site.source.resolve(cst.Name("sorted")) != "builtins.sorted":
        return
    code = site.source.code(target)
    if isinstance(target, cst.GeneratorExp):
        code = code[1:-1]
    inner = _listed(site, target)
    edits = (
        site.replacing(target, f"sorted({code if inner is None else site.source.code(inner)})"),
    )
    yield Fix(title=TITLE, safe=_kind(site, target) is not None, edits=edits)


def _is_gathered(site: Site, node: cst.CSTNode) -> bool:
    """Tell whether the elements are awaitables, which have no order."""
    argument = site.source.parent(node)
    call = site.source.parent(argument) if isinstance(argument, cst.Arg) else None
    return isinstance(call, cst.Call) and site.source.resolve(call.func) == "asyncio.gather"


def _target(site: Site, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Find what to sort: the argument of `join` and of `tuple`, the thing itself elsewhere; nothing for `pop`."""
    match node:
        case cst.Call(
            func=cst.Attribute(attr=cst.Name(value="join")), args=[cst.Arg(value=inner, star="")]
        ):
            return inner
        case cst.Call(func=func, args=[cst.Arg(value=inner, star="")]) if (
            site.source.resolve(func) == "builtins.tuple"
        ):
            return inner
        case cst.Call(func=func) if site.source.resolve(func) not in COPIES:
            return None
        case _:
            return node


def _listed(site: Site, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Give what a `list(...)` lists: `sorted` gives a list anyway."""
    match node:
        case cst.Call(func=func, args=[cst.Arg(value=inner, star="")]) if (
            site.source.resolve(func) == "builtins.list"
        ):
            return inner
        case _:
            return None


def _kind(site: Site, node: cst.BaseExpression) -> str | None:
    """Name the type that all elements surely have, if it is one that sorts."""
    match node:
        case (
            cst.Set(elements=elements) | cst.List(elements=elements) | cst.Tuple(elements=elements)
        ):
            kinds = {_value_kind(site, element.value) for element in elements}
            return next(iter(kinds)) if len(kinds) == 1 else None
        case cst.SetComp(elt=value) | cst.ListComp(elt=value) | cst.GeneratorExp(elt=value):
            return _value_kind(site, value)
        case cst.Call(func=func, args=[cst.Arg(value=inner, star="")]) if (
            site.source.resolve(func) in COPIES
        ):
            return _kind(site, inner)
        case cst.BinaryOperation(left=left, right=right):
            kind = _kind(site, left)
            return kind if kind == _kind(site, right) else None
        case cst.Name(value=name):
            return _element_of(_annotation(site, name, node))
        case _:
            return None


def _value_kind(site: Site, value: cst.BaseExpression) -> str | None:
    match value:
        case cst.SimpleString() | cst.FormattedString() | cst.ConcatenatedString():
            return None if isinstance(value, cst.SimpleString) and "b" in value.prefix else "str"
        case cst.Integer():
            return "int"
        case cst.Name(value=name):
            annotation = _annotation(site, name, value)
            return None if annotation is None else _plain(annotation)
        case cst.Call(func=func):
            named = site.source.resolve(func) or ""
            kind = named.removeprefix("builtins.")
            return kind if kind in PLAIN and named != kind else None
        case _:
            return None


def _annotation(site: Site, name: str, node: cst.CSTNode) -> cst.BaseExpression | None:
    """Give the annotation of a parameter that is never assigned to."""
    function = next(iter(site.source.functions(node)), None)
    if not isinstance(function, cst.FunctionDef) or name in assigned_in(function):
        return None
    for parameter in parameters(function):
        if parameter.name.value == name and parameter.annotation is not None:
            return parameter.annotation.annotation
    return None


def _plain(annotation: cst.BaseExpression) -> str | None:
    return (
        annotation.value if isinstance(annotation, cst.Name) and annotation.value in PLAIN else None
    )


def _element_of(annotation: cst.BaseExpression | None) -> str | None:
    match annotation:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=inner)), *_]):
            return _plain(inner)
        case _:
            return None
