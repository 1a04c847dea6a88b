"""HF702: `await` before a call that nobody awaits."""

from collections.abc import Iterator

import libcst as cst

from holdfast_lint.diagnostic import Fix
from holdfast_lint.fixes.site import Site

TITLE = "await it"
# Places that need the result itself.
NEED_RESULT = (
    cst.Attribute, cst.BinaryOperation, cst.BooleanOperation, cst.Comparison, cst.CompFor, cst.Expr,
    cst.For, cst.FormattedStringExpression, cst.If, cst.IfExp, cst.UnaryOperation, cst.While, cst.Subscript,
)  # fmt: skip


def add_await(site: Site) -> Iterator[Fix]:
    """Await a call that stands alone, or where its result is needed; elsewhere it may be meant for later."""
    call = site.source.at(site.item.span, cst.Call)
    if call is None or not site.source.can_await(call):
        return
    if isinstance(site.source.parent(call), NEED_RESULT):
        # A hook such as `asyncio.create_task(f())` is no finding, so nothing else can wait for this call.
        text = site.awaited(site.source.code(call), call)
        yield Fix(title=TITLE, safe=True, edits=(site.replacing(call, text),))
