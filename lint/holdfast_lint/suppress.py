"""Comments that suppress findings, which must name rules and give a reason."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from holdfast_lint.blocks import Block, blocks_of
from holdfast_lint.diagnostic import Diagnostic, Edit, Fix, LintError, Suppressed
from holdfast_lint.model import Span
from holdfast_lint.module import Comment, Module, lines_of
from holdfast_lint.rulebook import load_rules
from holdfast_lint.selection import codes_of, normal, suggestion

DIRECTIVE = re.compile(
    r"""
    \#\s*holdfast:\s*ignore(?P<file>-file)?\b   # the words
    (?:\[(?P<codes>[^\]]*)\])?                  # the rules, in brackets
    \s*(?P<reason>[^#]*)                        # everything else says why
    """,
    re.VERBOSE,
)
# Of the codes of a `noqa` only ours are ours, and one without codes is not for us.
NOQA = re.compile(
    r"\#\s*noqa:\s*(?P<codes>[A-Z]+\d+(?:(?:\s*,\s*|\s+)[A-Z]+\d+)*)\s*(?P<reason>[^#]*)",
    re.IGNORECASE,
)
OURS = re.compile(r"HF\d+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Directive:
    """Be one suppression: what it names and why, the line of text it stands on, and the lines that it covers.

    `written` are the columns between which the words stand.
    """

    path: str
    span: Span
    words: tuple[str, ...]
    reason: str
    text: str
    written: tuple[int, int]
    whole_file: bool
    lines: tuple[tuple[int, int], ...]

    @cached_property
    def codes(self) -> Mapping[str, frozenset[str]]:
        """Give the codes that each word stands for; none for what no rule is called."""
        return {word: _codes(word) for word in self.words}

    def covers(self, span: Span) -> bool:
        """Tell whether the comment speaks for a place."""
        return self.whole_file or any(
            first <= span.end_line and span.line <= last for first, last in self.lines
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold the findings that stay, those that went, and the (comment, word) pairs that were of use."""

    kept: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...]
    used: frozenset[tuple[Directive, str]]


def directives_of(module: Module) -> tuple[Directive, ...]:
    """Read the suppression comments of a file."""
    found = [
        (comment, match)
        for comment in module.comments
        for pattern in (DIRECTIVE, NOQA)
        for match in pattern.finditer(comment.text)
        if pattern is DIRECTIVE or OURS.search(match["codes"])
    ]
    blocks = blocks_of(module) if found else ()
    return tuple(_directive(module, comment, match, blocks) for comment, match in found)


def _directive(
    module: Module, comment: Comment, match: re.Match[str], blocks: Iterable[Block]
) -> Directive:
    words = normal(word for word in re.split(r"[\s,]+", match["codes"] or "") if word)
    is_noqa = match.re is NOQA
    line, start = comment.line, comment.column + match.start()
    first, last = match.span("codes")
    below = ((block.first, block.last) for block in blocks if block.first <= line <= block.header)
    return Directive(
        path=module.path,
        span=Span(
            line=line,
            column=start,
            end_line=line,
            end_column=comment.column + len(comment.text[: match.end()].rstrip()),
        ),
        words=tuple(word for word in words if OURS.fullmatch(word)) if is_noqa else words,
        reason=match["reason"].strip(" \t-:#"),
        text=lines_of(module.text)[line - 1],
        written=(comment.column + first, comment.column + last),
        whole_file=not is_noqa and match["file"] is not None,
        lines=((line, line), *below),
    )


def suppress(found: Iterable[Diagnostic], directives: Iterable[Directive]) -> Outcome:
    """Drop what a comment on the same lines, on the header of a block around them, or for the whole file names."""
    by_path: dict[str, list[Directive]] = {}
    for directive in directives:
        by_path.setdefault(directive.path, []).append(directive)
    kept: list[Diagnostic] = []
    gone: list[Suppressed] = []
    used: set[tuple[Directive, str]] = set()
    for item in found:
        fitting = [
            (directive, word)
            for directive in by_path.get(item.path, ())
            if directive.covers(item.span)
            for word, codes in directive.codes.items()
            if item.code in codes
        ]
        used.update(fitting)
        if fitting:
            gone.append(Suppressed(diagnostic=item, reason=fitting[0][0].reason))
        else:
            kept.append(item)
    return Outcome(kept=tuple(kept), suppressed=tuple(gone), used=frozenset(used))


def review(
    directives: Iterable[Directive],
    used: frozenset[tuple[Directive, str]],
    chosen: Mapping[str, frozenset[str]],
) -> Iterator[Diagnostic]:
    """Report comments that give no reason or name nothing, what no rule is called, and what suppressed nothing.

    `chosen` holds the codes that were looked for in each file; what was not looked for may still be suppressed.
    """
    for directive in directives:
        if not directive.words:
            message = "this suppression names no code, so it suppresses nothing"
            yield _about(directive, "HF991", message)
        elif not directive.reason:
            yield _about(directive, "HF991", "this suppression gives no reason")
        for word, codes in directive.codes.items():
            if not codes:
                guess = suggestion(word) if "did you mean" in suggestion(word) else ""
                yield _about(directive, "HF992", f"{word} is no rule of the checker{guess}")
            elif (directive, word) not in used and codes <= chosen[directive.path]:
                where = "in this file" if directive.whole_file else "here"
                yield _about(
                    directive, "HF990", f"{word} finds nothing {where}", _removal(directive, word)
                )


def _codes(word: str) -> frozenset[str]:
    try:
        return codes_of(word)
    except LintError:
        return frozenset()


ADVICE = {
    "HF990": "remove the code, or the whole comment",
    "HF991": "write `# holdfast: ignore[CODE] why this is right here`",
    "HF992": "name a rule by its code or its name; `holdfast lint rules` lists them",
}


def _about(directive: Directive, code: str, message: str, fix: Fix | None = None) -> Diagnostic:
    rule = next(rule for rule in load_rules() if rule.code == code)
    return Diagnostic(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        path=directive.path,
        span=directive.span,
        message=message,
        advice=ADVICE[rule.code],
        chain=(),
        other_workflows=0,
        fix=fix,
    )


def _removal(directive: Directive, word: str) -> Fix:
    """Take a word out of a comment, or the comment out of the line, or the line out of the file."""
    span, text = directive.span, directive.text
    start, end = directive.written
    kept = [
        other
        for other in re.split(r"[\s,]+", text[start:end])
        if other and normal([other]) != (word,)
    ]
    if kept:
        return _edit(directive, f"remove {word}", start, end, ", ".join(kept))
    before, after = text[: span.column], text[span.end_column :].lstrip()
    if not before.strip() and not after:
        below = Span(line=span.line, column=0, end_line=span.line + 1, end_column=0)
        return Fix(title="remove the comment", safe=True, edits=(Edit(span=below, text=""),))
    start = len(before.rstrip()) if before.strip() else len(before)
    gap = "  " if after and before.strip() else ""
    return _edit(directive, "remove the comment", start, len(text) - len(after), gap)


def _edit(directive: Directive, title: str, start: int, end: int, text: str) -> Fix:
    line = directive.span.line
    span = Span(line=line, column=start, end_line=line, end_column=end)
    return Fix(title=title, safe=True, edits=(Edit(span=span, text=text),))
