"""A report for people: each finding with its line of code, its call path, and what to do."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast_lint.diagnostic import Coverage, Diagnostic, Problem, Report, Severity
from holdfast_lint.module import lines_of
from holdfast_lint.report.findings import counted, details

CODES = {"bold": "1", "dim": "2", "error": "31", "warning": "33", "info": "36", "frame": "34"}
CONTEXT = 1
TAB = 4
# So many paths that were left out are named.
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Painter:
    """Add colours, or not."""

    colour: bool

    def paint(self, text: str, style: str) -> str:
        """Wrap text in a style of `CODES`."""
        return f"\x1b[{CODES[style]}m{text}\x1b[0m" if self.colour else text


def render_text(report: Report, *, colour: bool) -> str:
    """Write findings and problems, each followed by an empty line; nothing for a clean report."""
    painter = Painter(colour=colour)
    blocks = [
        *("\n".join(_finding(item, report.sources, painter)) for item in report.diagnostics),
        *(_problem(problem) for problem in report.problems),
    ]
    return "".join(f"{block}\n\n" for block in blocks)


def render_concise(report: Report, *, colour: bool) -> str:
    """Write a line per finding and problem."""
    painter = Painter(colour=colour)
    found = (_line(item, painter) for item in report.diagnostics)
    return "".join(f"{line}\n" for line in (*found, *map(_problem, report.problems)))


def summarise(report: Report) -> str:
    """Say in one line what was checked and what was found, then what could be fixed and what was not looked at."""
    coverage = report.coverage
    parts = [
        f"checked {counted(coverage.files, 'file')}, {counted(coverage.workflows, 'workflow')}"
    ]
    if coverage.calls:
        parts.append(_resolved(coverage))
    parts.append(counted(len(report.failing), "finding"))
    for number, words in (
        (len(report.diagnostics) - len(report.failing), "for information"),
        (len(report.suppressed), "suppressed"),
        (len(report.known), f"in {report.baseline}"),
    ):
        if number:
            parts.append(f"{number} {words}")
    if report.problems:
        parts.append(f"{counted(len(report.problems), 'path')} not checked")
    return "\n".join(("; ".join(parts), *_fixable(report), *_left_out(report)))


def _fixable(report: Report) -> Iterator[str]:
    safe, unsafe = report.fixable(safely=True), report.fixable(safely=False)
    parts = [
        f"{number} with {option}"
        for number, option in ((safe, "--fix"), (unsafe, "--fix --unsafe-fixes"))
        if number
    ]
    if parts:
        yield f"fixable: {', '.join(parts)}"


def _left_out(report: Report) -> Iterator[str]:
    for item in report.left_out[:SHOWN]:
        yield f"left out: {printable(item.path)} ({item.reason})"
    if len(report.left_out) > SHOWN:
        yield f"left out: {len(report.left_out) - SHOWN} more, which --format json lists"


def printable(text: str) -> str:
    """Show control characters as a mark: a file must not be able to drive the terminal."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) == "Cc" else char for char in text
    )


def _finding(item: Diagnostic, sources: dict[str, str], painter: Painter) -> Iterator[str]:
    yield _line(item, painter)
    yield from _frame(item, lines_of(sources.get(item.path, "")), painter)
    for detail in details(item):
        yield f"   = {printable(detail)}"


def _line(item: Diagnostic, painter: Painter) -> str:
    place = f"{printable(item.path)}:{item.span.line}:{item.span.column + 1}"
    code = painter.paint(item.code, item.severity)
    note = _note(item.severity)
    return f"{painter.paint(place, 'bold')}: {code} {note}{printable(item.message)}"


def _note(severity: Severity) -> str:
    return "" if severity == "error" else f"({severity}) "


def _frame(item: Diagnostic, lines: list[str], painter: Painter) -> Iterator[str]:
    span = item.span
    first, last = max(1, span.line - CONTEXT), min(len(lines), span.line + CONTEXT)
    width = len(str(last))
    bar = painter.paint("|", "frame")
    yield f"{'':>{width}} {bar}"
    for number in range(first, last + 1):
        source = lines[number - 1]
        label = painter.paint(f"{number:>{width}}", "frame")
        yield f"{label} {bar} {_expanded(source)}".rstrip()
        if number == span.line:
            end = span.end_column if span.end_line == span.line else len(source)
            before = _columns(source[: span.column])
            marks = "^" * max(1, _columns(source[:end]) - before)
            yield f"{'':>{width}} {bar} {' ' * before}{painter.paint(marks, item.severity)}"
    yield f"{'':>{width}} {bar}"


def _expanded(source: str) -> str:
    return printable(source.replace("\t", " " * TAB).rstrip())


def _columns(text: str) -> int:
    """Measure text as a terminal does: a tab as written by `_expanded`, wide characters twice, accents not at all."""
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if char == "\t":
        return TAB
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _problem(problem: Problem) -> str:
    path = printable(problem.path)
    if problem.line is None:
        return f"{path}: {printable(problem.message)}"
    return f"{path}:{problem.line}:{problem.column or 1}: {printable(problem.message)}"


def _resolved(coverage: Coverage) -> str:
    calls = f"{coverage.resolved_calls} of {counted(coverage.calls, 'call')} resolved"
    return f"{calls} ({coverage.resolved_percent}%)"
