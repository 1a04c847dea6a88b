"""Comments that suppress findings, which must name codes and give a reason."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from holdfast_lint.diagnostic import Diagnostic
from holdfast_lint.model import Span
from holdfast_lint.module import Comment, Module
from holdfast_lint.rule import Rule

DIRECTIVE = re.compile(
    r"""
    \#\s*holdfast:\s*ignore\b    # the words
    (?:\[(?P<codes>[^\]]*)\])?   # the codes, in brackets
    \s*(?P<reason>.*)            # everything else says why
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """Be one suppression comment."""

    path: str
    comment: Comment
    codes: tuple[str, ...]
    reason: str

    @property
    def span(self) -> Span:
        """Cover the comment."""
        line, start = self.comment.line, self.comment.column
        return Span(
            line=line, column=start, end_line=line, end_column=start + len(self.comment.text)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Be a finding with the header lines of the functions around it."""

    diagnostic: Diagnostic
    headers: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold the findings that stay, how many went, and the (comment, code) pairs that were of use."""

    kept: tuple[Diagnostic, ...]
    suppressed: int
    used: frozenset[tuple[Directive, str]]


def directives_of(module: Module) -> tuple[Directive, ...]:
    """Read the suppression comments of a file."""
    matches = ((comment, DIRECTIVE.search(comment.text)) for comment in module.comments)
    return tuple(
        Directive(
            path=module.path,
            comment=comment,
            codes=tuple(code for code in re.split(r"[\s,]+", match["codes"] or "") if code),
            reason=match["reason"].strip(" \t-:#"),
        )
        for comment, match in matches
        if match is not None
    )


def suppress(found: Iterable[Found], directives: Iterable[Directive]) -> Outcome:
    """Drop what a comment on the same lines, or on the header of a function around them, names."""
    by_path: dict[str, list[Directive]] = {}
    for directive in directives:
        by_path.setdefault(directive.path, []).append(directive)
    kept: list[Diagnostic] = []
    used: set[tuple[Directive, str]] = set()
    suppressed = 0
    for item in found:
        code = item.diagnostic.code
        fitting = [
            directive
            for directive in by_path.get(item.diagnostic.path, ())
            if code in directive.codes and _covers(directive, item)
        ]
        used.update((directive, code) for directive in fitting)
        suppressed += bool(fitting)
        if not fitting:
            kept.append(item.diagnostic)
    return Outcome(kept=tuple(kept), suppressed=suppressed, used=frozenset(used))


def review(
    directives: Iterable[Directive],
    used: frozenset[tuple[Directive, str]],
    rules: Iterable[Rule],
    chosen: frozenset[str],
) -> Iterator[Diagnostic]:
    """Report comments that give no reason or no code, and codes that suppressed nothing.

    A code that is not chosen was not looked for, so nothing is said about its suppressions.
    """
    by_code = {rule.code: rule for rule in rules}
    for directive in directives:
        if not directive.codes:
            message = "this suppression names no code, so it suppresses nothing"
            yield _about(directive, by_code["HF991"], message)
        elif not directive.reason:
            yield _about(directive, by_code["HF991"], "this suppression gives no reason")
        for code in directive.codes:
            if code not in by_code:
                yield _about(directive, by_code["HF990"], f"{code} is no rule of the checker")
            elif (directive, code) not in used and code in chosen:
                yield _about(directive, by_code["HF990"], f"{code} finds nothing here")


def _covers(directive: Directive, found: Found) -> bool:
    spans = (found.diagnostic.span, *found.headers)
    return any(span.line <= directive.comment.line <= span.end_line for span in spans)


ADVICE = {
    "HF990": "remove the code, or the whole comment",
    "HF991": "write `# holdfast: ignore[CODE] why this is right here`",
}


def _about(directive: Directive, rule: Rule, message: str) -> Diagnostic:
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
    )
