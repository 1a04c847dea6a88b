"""One file → one `Module`, or the problem that prevents it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from holdfast_lint.collect.expressions import Reader
from holdfast_lint.collect.parsing import TOO_DEEP, UnreadableError, decode, parse
from holdfast_lint.collect.statements import read_block
from holdfast_lint.diagnostic import Problem
from holdfast_lint.module import Comment, Module

# Only files with this text are searched for comments: it is rare, and walking a whole tree is not cheap.
DIRECTIVE = re.compile(r"holdfast:|noqa:.*HF\d", re.IGNORECASE)


def collect_file(file: Path, *, shown: str, text: str | None = None) -> Module | Problem:
    """Read and collect a file; `shown` is how messages name it, `text` what an editor holds of it."""
    try:
        data = b"" if text is not None else file.read_bytes()
    except OSError as error:
        return Problem(
            path=shown, line=None, column=None, message=f"cannot be read: {error.strerror}"
        )
    try:
        return collect_source(decode(data) if text is None else text, path=shown)
    except UnreadableError as error:
        return Problem(path=shown, line=error.line, column=error.column, message=str(error))


def collect_source(text: str, *, path: str) -> Module:
    """Collect the facts of one source text.

    Raises:
        UnreadableError: if the text is no Python, or nested too deeply.
    """
    tree = parse(text)
    try:
        # The tree was parsed here and is shared with nobody, so the copy that guards against that is not needed.
        positions = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
        known = {node: place for node, place in positions.items() if not callable(place)}
        body = read_block(Reader(path, known), tree.body)
        comments = tuple(_comments(tree, known)) if DIRECTIVE.search(text) else ()
    except (RecursionError, KeyError) as error:
        # Where the stack ends inside libcst, it may also show as a position that was never recorded.
        raise UnreadableError(TOO_DEEP) from error
    return Module(path=path, text=text, body=body, comments=comments)


def _comments(tree: cst.CSTNode, positions: Mapping[cst.CSTNode, CodeRange]) -> Iterator[Comment]:
    for child in tree.children:
        if isinstance(child, cst.Comment):
            start = positions[child].start
            yield Comment(line=start.line, column=start.column, text=child.value)
        else:
            yield from _comments(child, positions)
