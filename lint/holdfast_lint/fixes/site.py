"""A finding in its file, as a fixer sees it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import libcst as cst

from holdfast_lint.diagnostic import Diagnostic, Edit, Fix
from holdfast_lint.fixes.imports import refer
from holdfast_lint.fixes.replacements import Replacements
from holdfast_lint.fixes.source import Source

# After these, `await x` needs brackets.
BINDS_TIGHTER = (cst.Attribute, cst.Subscript, cst.BinaryOperation, cst.UnaryOperation, cst.Await)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Be new text with the edits elsewhere that it needs."""

    text: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Be one finding with its file and the replacements of its dialect."""

    item: Diagnostic
    source: Source
    replacements: Replacements

    @property
    def is_own(self) -> bool:
        """Tell whether the code belongs to the workflow alone: a helper may have other callers."""
        root, last = self.item.chain[0], self.item.chain[-1]
        return (root.path, root.function) == (last.path, last.function) or (
            root.path == last.path and last.function.startswith(f"{root.function}.")
        )

    def write(self, template: str, node: cst.CSTNode, **parts: str) -> Writing | None:
        """Fill a template: the names of the dialect as they are written here, and the parts that are given."""
        edits: list[Edit] = []
        words = dict(parts)
        for name, full in self.replacements.names.items():
            if f"{{{name}}}" in template:
                reference = refer(self.source, full, node)
                if reference is None:
                    return None
                words[name] = reference.text
                edits.extend(reference.edits)
        return Writing(text=template.format(**words), edits=tuple(edits))

    def awaited(self, text: str, node: cst.BaseExpression) -> str:
        """Put `await` before what takes the place of a node, in brackets where it needs them."""
        outer = self.source.parent(node)
        needs = isinstance(outer, BINDS_TIGHTER) or (
            isinstance(outer, cst.Call) and outer.func is node
        )
        return f"(await {text})" if needs and not node.lpar else f"await {text}"

    def replacing(self, node: cst.CSTNode, text: str) -> Edit:
        """Make the edit that puts text in the place of a node."""
        return Edit(span=self.source.span(node), text=text)


Fixer = Callable[[Site], Iterator[Fix]]
