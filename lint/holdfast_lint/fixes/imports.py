"""Names of other modules in a file: the one it already has, or the import that brings it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from holdfast_lint.diagnostic import Edit
from holdfast_lint.fixes.source import Source, dotted
from holdfast_lint.model import Span

FUTURE, STANDARD, OTHER, OWN = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Be the way to write a full name at some place, and the edits that make it possible."""

    text: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Be a line of the top level that imports something."""

    node: cst.SimpleStatementLine
    statement: cst.Import | cst.ImportFrom
    section: int
    key: tuple[int, bool, str]


def refer(source: Source, name: str, node: cst.CSTNode) -> Reference | None:
    """Say how `name` is written at a node; nothing when what it would be called is taken."""
    for known, full in source.imports.items():
        if (full == name or name.startswith(f"{full}.")) and not source.binds(known, node):
            return Reference(text=known + name[len(full) :])
    module, _, last = name.rpartition(".")
    if not source.is_free(last) or source.binds(last, node):
        return None
    return Reference(text=last, edits=(_bring(source, module, last),))


def _bring(source: Source, module: str, name: str) -> Edit:
    lines = list(_lines(source))
    for line in lines:
        statement = line.statement
        if (
            isinstance(statement, cst.ImportFrom)
            and not statement.relative
            and dotted(statement.module) == module
            and not isinstance(statement.names, cst.ImportStar)
        ):
            return _extend(source, list(statement.names), name)
    text = f"from {module} import {name}" if module else f"import {name}"
    key = (_section(module or name), bool(module), module or name)
    return _insert(source, lines, text, key)


def _lines(source: Source) -> Iterator[_Line]:
    for node in source.tree.body:
        if not isinstance(node, cst.SimpleStatementLine):
            continue
        for statement in node.body[:1]:
            if isinstance(statement, cst.Import):
                name, is_from = statement.names[0].evaluated_name, False
            elif isinstance(statement, cst.ImportFrom):
                name, is_from = "." * len(statement.relative) + dotted(statement.module), True
            else:
                continue
            section = _section(name)
            yield _Line(
                node=node, statement=statement, section=section, key=(section, is_from, name)
            )


def _section(module: str) -> int:
    top = module.partition(".")[0]
    if top == "__future__":
        return FUTURE
    if not top:
        return OWN
    return STANDARD if top in sys.stdlib_module_names else OTHER


def _extend(source: Source, names: list[cst.ImportAlias], name: str) -> Edit:
    """Put a name among those that are imported from the same module already, in order if they are in order."""
    written = [alias.evaluated_name for alias in names]
    is_sorted = written == sorted(written)
    later = [alias for alias in names if alias.evaluated_name > name] if is_sorted else []
    spans = [source.span(alias) for alias in names]
    one_each = len({span.line for span in spans}) == len(names) > 1
    if later:
        place = source.span(later[0])
        gap = source.newline + " " * place.column if one_each else " "
        return _at(place.line, place.column, f"{name},{gap}")
    last = spans[-1]
    gap = source.newline + " " * last.column if one_each else " "
    return _at(last.end_line, last.end_column, f",{gap}{name}")


def _insert(source: Source, lines: list[_Line], text: str, key: tuple[int, bool, str]) -> Edit:
    """Find the place that an import sorter would give the line."""
    section = key[0]
    same = [line for line in lines if line.section == section]
    before = [line for line in same if line.key <= key]
    if before:
        return _after(source, before[-1].node, text)
    if same:
        return _before(source, same[0].node, text)
    earlier = [line for line in lines if line.section < section]
    if earlier:
        return _after(source, earlier[-1].node, source.newline + text)
    if lines:
        return _before(source, lines[0].node, text + source.newline)
    return _first(source, text)


def _first(source: Source, text: str) -> Edit:
    body = source.tree.body
    if source.tree.get_docstring() is not None:
        return _after(source, body[0], source.newline + text)
    if not body:
        return _at(1, 0, text + source.newline)
    return _before(source, body[0], text + source.newline)


def _after(source: Source, node: cst.CSTNode, text: str) -> Edit:
    line = source.span(node).end_line
    return _at(line, len(source.lines[line - 1]), source.newline + text)


def _before(source: Source, node: cst.CSTNode, text: str) -> Edit:
    return _at(source.span(node).line, 0, text + source.newline)


def _at(line: int, column: int, text: str) -> Edit:
    return Edit(span=Span(line=line, column=column, end_line=line, end_column=column), text=text)
