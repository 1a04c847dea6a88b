"""Comments that suppress findings, which must name rules and give a reason."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from holdfast_lint.blocks import blocks_of
from holdfast_lint.diagnostic import Diagnostic, LintError, Suppressed
from holdfast_lint.model import Span
from holdfast_lint.module import Comment, Module
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
    """Be one suppression: what it names, as written, why, and the lines that it covers; no lines are the whole file."""

    path: str
    span: Span
    words: tuple[str, ...]
    reason: str
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
    return tuple(
        _directive(
            module.path,
            comment,
            match,
            [(block.first, block.header, block.last) for block in blocks],
        )
        for comment, match in found
    )


def _directive(
    path: str, comment: Comment, match: re.Match[str], blocks: Iterable[tuple[int, int, int]]
) -> Directive:
    words = normal(word for word in re.split(r"[\s,]+", match["codes"] or "") if word)
    is_noqa = match.re is NOQA
    line, start = comment.line, comment.column + match.start()
    below = ((first, last) for first, header, last in blocks if first <= line <= header)
    return Directive(
        path=path,
        span=Span(
            line=line,
            column=start,
            end_line=line,
            end_column=comment.column + len(comment.text[: match.end()].rstrip()),
        ),
        words=tuple(word for word in words if OURS.fullmatch(word)) if is_noqa else words,
        reason=match["reason"].strip(" \t-:#"),
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
                yield _about(directive, "HF990", f"{word} finds nothing {where}")


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


def _about(directive: Directive, code: str, message: str) -> Diagnostic:
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
    )
