"""Fixes → new text: those that do not meddle with one another at once, the others in a later pass."""

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator

import libcst as cst

from holdfast_lint.diagnostic import Edit, Fix
from holdfast_lint.fixes.source import Source, dotted, inside
from holdfast_lint.model import Span
from holdfast_lint.module import LINE_END


def apply_fixes(text: str, fixes: Iterable[Fix]) -> tuple[str, int]:
    """Carry out as many fixes as fit together, first come first served; give the new text and their number."""
    chosen: list[Edit] = []
    count = 0
    for fix in fixes:
        new = [edit for edit in fix.edits if edit not in chosen]
        if not any(_clash(edit, other) for edit in new for other in chosen):
            chosen.extend(new)
            count += 1
    return apply_edits(text, chosen), count


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Carry out edits that do not overlap."""
    starts = line_starts(text)
    for edit in sorted(edits, reverse=True):
        span = edit.span
        start = _offset(text, starts, span.line, span.column)
        end = _offset(text, starts, span.end_line, span.end_column)
        text = text[:start] + edit.text + text[end:]
    return text


def line_starts(text: str) -> list[int]:
    """List where lines begin; the end of the text counts as the beginning of one more."""
    return [0, *(match.end() for match in LINE_END.finditer(text))]


def place_of(starts: list[int], offset: int) -> tuple[int, int]:
    """Give line, from one, and column, from zero, of an offset."""
    line = bisect_left(starts, offset + 1)
    return line, offset - starts[line - 1]


def _offset(text: str, starts: list[int], line: int, column: int) -> int:
    return min(starts[line - 1] + column if line <= len(starts) else len(text), len(text))


def _clash(one: Edit, other: Edit) -> bool:
    """Tell whether two edits touch the same text, or insert at the same place."""
    first, second = sorted((one.span, other.span))
    if _start(first) == _start(second):
        return True
    return (first.end_line, first.end_column) > _start(second)


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column


def without_needless_imports(before: str, after: str) -> str:
    """Drop imports of the standard library that a text needed before it was fixed and does not need any more."""
    if before == after:
        return after
    needed = _mentioned(Source(before))
    while True:
        source = Source(after)
        mentioned = _mentioned(source)
        edits = list(_needless(source, needed - mentioned))
        if not edits:
            return after
        after = apply_edits(after, edits[:1])


def _mentioned(source: Source) -> frozenset[str]:
    """Gather every name that code reads or binds, and every word of a string, which may be an annotation."""
    names: set[str] = set()
    for node in inside(source.tree, cst.Import, cst.ImportFrom):
        if isinstance(node, cst.Name) and not source.is_label(node):
            names.add(node.value)
        elif isinstance(node, cst.SimpleString):
            names.update(re.findall(r"\w+", node.raw_value))
    return frozenset(names)


def _needless(source: Source, names: frozenset[str]) -> Iterator[Edit]:
    for line in source.tree.body:
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        statement = line.body[0]
        if not isinstance(statement, cst.Import | cst.ImportFrom) or not _is_standard(statement):
            continue
        if isinstance(statement.names, cst.ImportStar) or line.trailing_whitespace.comment:
            continue
        aliases = list(statement.names)
        idle = [alias for alias in aliases if _bound_name(alias) in names]
        if len(idle) == len(aliases):
            yield _whole_line(source, line)
        elif idle:
            yield _one_alias(source, aliases, idle[0])


def _is_standard(statement: cst.Import | cst.ImportFrom) -> bool:
    if isinstance(statement, cst.ImportFrom):
        modules = ["" if statement.relative else dotted(statement.module)]
    else:
        modules = [alias.evaluated_name for alias in statement.names]
    return all(
        module.partition(".")[0] in sys.stdlib_module_names - {"__future__"} for module in modules
    )


def _bound_name(alias: cst.ImportAlias) -> str:
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]


def _whole_line(source: Source, line: cst.SimpleStatementLine) -> Edit:
    """Remove a line, and one of the empty lines that would stand together without it."""
    span = source.span(line)
    first, last = span.line, span.end_line

    def is_empty(number: int) -> bool:
        return 0 < number <= len(source.lines) and not source.lines[number - 1].strip()

    if is_empty(last + 1) and (first == 1 or is_empty(first - 1)):
        last += 1
    return Edit(span=Span(line=first, column=0, end_line=last + 1, end_column=0), text="")


def _one_alias(source: Source, aliases: list[cst.ImportAlias], idle: cst.ImportAlias) -> Edit:
    place = aliases.index(idle)
    span = source.span(idle)
    if place + 1 < len(aliases):
        after = source.span(aliases[place + 1])
        end_line, end_column, line, column = after.line, after.column, span.line, span.column
    else:
        before = source.span(aliases[place - 1])
        line, column = before.end_line, before.end_column
        end_line, end_column = span.end_line, span.end_column
    return Edit(
        span=Span(line=line, column=column, end_line=end_line, end_column=end_column), text=""
    )
