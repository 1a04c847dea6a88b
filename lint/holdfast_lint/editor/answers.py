"""What the server says, in the words of the Language Server Protocol: reports, quick fixes, pages."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lsprotocol import types

from holdfast_lint.diagnostic import Diagnostic, Edit, Hop, LintError, Problem, Report
from holdfast_lint.fixes.applying import apply_edits, apply_fixes, without_needless_imports
from holdfast_lint.model import Span
from holdfast_lint.module import lines_of
from holdfast_lint.rule import Rule
from holdfast_lint.rulebook import load_rules
from holdfast_lint.selection import code_of

SOURCE = "holdfast"
FIX_ALL = "source.fixAll.holdfast"
SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}
CODE = re.compile(r"\bHF\d{3}\b")
OPEN = re.compile(r"#\s*holdfast:\s*ignore\[(?P<codes>[^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Be the text of a file, with columns as the client counts them."""

    uri: str
    lines: Sequence[str]
    units: Callable[[str], int]

    def position(self, line: int, column: int) -> types.Position:
        """Turn a line, from one, and a column in characters into a position."""
        if line > len(self.lines):
            last = len(self.lines)
            return types.Position(line=max(0, last - 1), character=self._units(last, None))
        return types.Position(line=line - 1, character=self._units(line, column))

    def range(self, span: Span) -> types.Range:
        """Turn a span into a range."""
        return types.Range(
            start=self.position(span.line, span.column),
            end=self.position(span.end_line, span.end_column),
        )

    def line(self, line: int) -> types.Range:
        """Cover a whole line."""
        return types.Range(
            start=self.position(line, 0),
            end=types.Position(line=line - 1, character=self._units(line, None)),
        )

    def _units(self, line: int, column: int | None) -> int:
        return self.units(self.lines[line - 1][:column]) if 0 < line <= len(self.lines) else 0


Opener = Callable[[str], Text]


def diagnostics_of(report: Report, path: str, open_text: Opener) -> list[types.Diagnostic]:
    """Say what a report says of one file."""
    found = [item for item in report.diagnostics if item.path == path]
    problems = [problem for problem in report.problems if problem.path == path]
    return [
        *(diagnostic_of(item, open_text) for item in found),
        *(_problem(problem, open_text(path)) for problem in problems),
    ]


def diagnostic_of(item: Diagnostic, open_text: Opener) -> types.Diagnostic:
    """Say what a finding is; the way to it from the workflow is related information."""
    is_unused = item.code == "HF990"
    return types.Diagnostic(
        range=open_text(item.path).range(item.span),
        severity=SEVERITIES[item.severity],
        code=item.code,
        source=SOURCE,
        message=f"{item.message}\n{item.advice}",
        tags=[types.DiagnosticTag.Unnecessary] if is_unused else None,
        related_information=[
            _related(hop, number, open_text) for number, hop in enumerate(item.chain)
        ],
    )


def _related(hop: Hop, number: int, open_text: Opener) -> types.DiagnosticRelatedInformation:
    text = open_text(hop.path)
    place = types.Location(uri=text.uri, range=text.line(hop.call_line))
    title = "workflow" if number == 0 else "called:"
    return types.DiagnosticRelatedInformation(location=place, message=f"{title} {hop.function}")


def _problem(problem: Problem, text: Text) -> types.Diagnostic:
    line = problem.line or 1
    return types.Diagnostic(
        range=text.line(line),
        severity=types.DiagnosticSeverity.Warning,
        source=SOURCE,
        message=f"not checked for replay: {problem.message}",
    )


def actions_at(
    report: Report, path: str, wanted: types.Range, open_text: Opener
) -> Iterator[types.CodeAction]:
    """Offer what can be done about the findings that touch a range, and about all of the file."""
    text = open_text(path)
    here = [item for item in report.diagnostics if item.path == path]
    for item in here:
        if _touches(text.range(item.span), wanted):
            yield from _actions(item, report.sources[path], text, diagnostic_of(item, open_text))
    fixes = [item.fix for item in here if item.fix is not None and item.fix.safe]
    if fixes:
        before = report.sources[path]
        after = without_needless_imports(before, apply_fixes(before, fixes)[0])
        whole = Span(line=1, column=0, end_line=len(text.lines) + 1, end_column=0)
        yield types.CodeAction(
            title="Fix all safe findings of holdfast",
            kind=FIX_ALL,
            edit=_edit(text, [Edit(span=whole, text=after)]),
        )


def _actions(
    item: Diagnostic, source: str, text: Text, shown: types.Diagnostic
) -> Iterator[types.CodeAction]:
    if item.fix is not None:
        note = "" if item.fix.safe else " (unsafe)"
        yield types.CodeAction(
            title=f"{item.code}: {item.fix.title}{note}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[shown],
            is_preferred=item.fix.safe,
            edit=_edit(text, item.fix.edits),
        )
    edit = suppression(item, source) if item.chain else None
    if edit is not None:
        yield types.CodeAction(
            title=f"{item.code}: suppress here, and say why",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[shown],
            edit=_edit(text, [edit]),
        )


def suppression(item: Diagnostic, source: str) -> Edit | None:
    """Make the edit that suppresses a finding: the reason is left to be written, and HF991 asks for it.

    The comment goes to the first line of the finding, or its last one where the first ends inside a string.
    """
    lines = lines_of(source)
    for line in dict.fromkeys((item.span.line, item.span.end_line)):
        edit = _comment(lines[line - 1], line, item.code)
        if _means_the_same(source, apply_edits(source, [edit])):
            return edit
    return None


def _comment(text: str, line: int, code: str) -> Edit:
    known = OPEN.search(text)
    if known is not None:
        place, more = known.end("codes"), f", {code}"
    else:
        place, more = len(text), f"  # holdfast: ignore[{code}] "
    here = Span(line=line, column=place, end_line=line, end_column=place)
    return Edit(span=here, text=more)


def _means_the_same(before: str, after: str) -> bool:
    try:
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def page_at(
    report: Report, path: str, place: types.Position, open_text: Opener
) -> types.Hover | None:
    """Show the page of the rule that finds something at a place, or whose code is written there."""
    text = open_text(path)
    here = types.Range(start=place, end=place)
    for item in report.diagnostics:
        span = text.range(item.span)
        if item.path == path and _touches(span, here):
            return _hover(item.code, span)
    for match in CODE.finditer(text.lines[place.line] if place.line < len(text.lines) else ""):
        line = place.line + 1
        span = types.Range(
            start=text.position(line, match.start()), end=text.position(line, match.end())
        )
        if _touches(span, here):
            return _hover(match[0], span)
    return None


def _hover(code: str, span: types.Range) -> types.Hover | None:
    try:
        known = code_of(code)
    except LintError:
        return None
    rule = next(rule for rule in load_rules() if rule.code == known)
    content = types.MarkupContent(kind=types.MarkupKind.Markdown, value=_page(rule))
    return types.Hover(contents=content, range=span)


def _page(rule: Rule) -> str:
    # Editors colour a block by its first word and do not know our marks.
    text = re.sub(r"^```python .*$", "```python", rule.page.text, flags=re.MULTILINE)
    return f"# {rule.code} {rule.name}\n\n{text}"


def _touches(one: types.Range, other: types.Range) -> bool:
    return _key(one.start) <= _key(other.end) and _key(other.start) <= _key(one.end)


def _key(place: types.Position) -> tuple[int, int]:
    return place.line, place.character


def _edit(text: Text, edits: Sequence[Edit]) -> types.WorkspaceEdit:
    changes = [
        types.TextEdit(range=text.range(edit.span), new_text=edit.text)
        for edit in dict.fromkeys(edits)
    ]
    return types.WorkspaceEdit(changes={text.uri: changes})
