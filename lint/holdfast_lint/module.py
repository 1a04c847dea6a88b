"""One source file as a value, and walking through code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast_lint.model import Class, Function, Node, Span, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """Be a comment with its place."""

    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Module:
    """Be one file: its statements, its comments that address the checker, and its text for frames."""

    path: str
    text: str
    body: tuple[Statement, ...]
    comments: tuple[Comment, ...]


# What ends a line of Python; `str.splitlines` knows many more.
LINE_END = re.compile(r"\r\n|\r|\n")


def lines_of(text: str) -> list[str]:
    """Split a text as Python counts its lines; a final line end begins a last empty line."""
    return LINE_END.split(text)


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly inside `node`, in source order as far as the fields keep it."""
    for slot in node.__slots__:
        value = getattr(node, slot)
        if isinstance(value, tuple):
            yield from (item for item in value if hasattr(item, "__slots__"))
        elif hasattr(value, "__slots__") and not isinstance(value, Span):
            yield value


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything inside it, but not the bodies of nested functions and classes."""
    yield node
    for child in children(node):
        if not isinstance(child, Function | Class):
            yield from walk(child)
