"""HF712: `Exception` in the place of everything."""

from collections.abc import Iterator

import libcst as cst

from holdfast_lint.diagnostic import Edit, Fix
from holdfast_lint.fixes.site import Site
from holdfast_lint.model import Span

TITLE = "catch `Exception`"
BASE = "builtins.BaseException"
NARROW = "builtins.Exception"


def narrow(site: Site) -> Iterator[Fix]:
    """Let a handler catch `Exception`, unless one before it does so already."""
    handler = site.source.starting(site.item.span, cst.ExceptHandler)
    if handler is not None:
        yield from _narrow_handler(site, handler)
        return
    call = site.source.at(site.item.span, cst.Call)
    if call is not None:
        edits = tuple(edit for argument in call.args for edit in _narrowed(site, argument.value))
        if edits:
            yield Fix(title=TITLE, safe=True, edits=edits)


def _narrow_handler(site: Site, handler: cst.ExceptHandler) -> Iterator[Fix]:
    outer = site.source.parent(handler)
    others = outer.handlers if isinstance(outer, cst.Try) else ()
    if any(other is not handler and _catches(site, other.type) for other in others):
        return
    if handler.type is None:
        span = site.source.span(handler)
        place = span.column + len("except")
        here = Span(line=span.line, column=place, end_line=span.line, end_column=place)
        edits: tuple[Edit, ...] = (Edit(span=here, text=" Exception"),)
    else:
        edits = tuple(_narrowed(site, handler.type))
    if edits:
        yield Fix(title=TITLE, safe=True, edits=edits)


def _catches(site: Site, kind: cst.BaseExpression | None) -> bool:
    return kind is not None and site.source.resolve(kind) == NARROW


def _narrowed(site: Site, kind: cst.BaseExpression) -> Iterator[Edit]:
    if isinstance(kind, cst.Tuple):
        for element in kind.elements:
            yield from _narrowed(site, element.value)
    elif site.source.resolve(kind) == BASE:
        yield site.replacing(kind, "Exception")
