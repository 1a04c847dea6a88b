"""A report for people: each finding with its line of code, its call path, and what to do."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast_lint.diagnostic import (
    Coverage,
    Diagnostic,
    Hop,
    Problem,
    Report,
    Severity,
    Sink,
    SinkKind,
)

CODES = {"bold": "1", "dim": "2", "error": "31", "warning": "33", "info": "36", "frame": "34"}
CONTEXT = 1
TAB = 4


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


def render_statistics(report: Report) -> str:
    """Count findings per rule, most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for item in report.diagnostics:
        counts[item.code, item.name] = counts.get((item.code, item.name), 0) + 1
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return "".join(f"{count:>5}  {code}  {name}\n" for (code, name), count in rows)


def summarise(report: Report) -> str:
    """Say in one line what was checked and what was found."""
    coverage = report.coverage
    parts = [f"checked {_count(coverage.files, 'file')}, {_count(coverage.workflows, 'workflow')}"]
    if coverage.calls:
        parts.append(_resolved(coverage))
    parts.append(_count(len(report.failing), "finding"))
    if len(report.diagnostics) > len(report.failing):
        parts.append(f"{len(report.diagnostics) - len(report.failing)} for information")
    if report.suppressed:
        parts.append(f"{len(report.suppressed)} suppressed")
    if report.problems:
        parts.append(f"{_count(len(report.problems), 'path')} not checked")
    return "; ".join(parts)


def printable(text: str) -> str:
    """Show control characters as a mark: a file must not be able to drive the terminal."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) == "Cc" else char for char in text
    )


def _finding(item: Diagnostic, sources: dict[str, str], painter: Painter) -> Iterator[str]:
    place = f"{printable(item.path)}:{item.span.line}:{item.span.column + 1}"
    code = painter.paint(item.code, item.severity)
    yield f"{painter.paint(place, 'bold')}: {code} {_note(item.severity)}{printable(item.message)}"
    yield from _frame(item, sources.get(item.path, "").splitlines(), painter)
    if item.chain:
        yield f"   = path: {_path(item.chain)}"
    if item.sinks:
        yield f"   = value: {_sink(item.sinks[0])}"
    if item.other_workflows:
        yield f"   = also reached from {_count(item.other_workflows, 'other workflow')}"
    yield f"   = help: {item.advice}"


WORDS: dict[SinkKind, str] = {
    "identity": "it names {what}",
    "control": "it decides whether {what} runs",
    "argument": "it is handed to {what}",
    "state": "it is kept in the state of the workflow",
    "unknown": "it is handed to {what}, which the checker cannot follow",
    "result": "it is part of the result",
    "log": "it is only shown",
    "unused": "it is not used",
}


def _sink(sink: Sink) -> str:
    what = f"`{sink.what}`" if sink.what else "what follows"
    return f"{WORDS[sink.kind].format(what=what)} ({printable(sink.path)}:{sink.span.line})"


def _note(severity: Severity) -> str:
    return "" if severity == "error" else f"({severity}) "


def _path(chain: Sequence[Hop]) -> str:
    steps = (f"{printable(hop.function)} ({printable(hop.path)}:{hop.line})" for hop in chain)
    return "workflow " + " → ".join(steps)


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
    calls = f"{coverage.resolved_calls} of {_count(coverage.calls, 'call')} resolved"
    return f"{calls} ({coverage.resolved_percent}%)"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
