"""A report in SARIF 2.1.0, with the call path of each finding as a code flow."""

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from holdfast_lint.diagnostic import Diagnostic, Edit, Fix, Hop, Problem, Report
from holdfast_lint.fingerprint import hashes
from holdfast_lint.model import Span
from holdfast_lint.rule import Rule
from holdfast_lint.rulebook import load_rules

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "SRCROOT"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
MARK = "holdfastLint/v1"


def render_sarif(report: Report) -> str:
    """Write the log; what a comment or the baseline suppresses is in it, marked as such."""
    rules = load_rules()
    run = {
        "tool": {
            "driver": {
                "name": "holdfast lint",
                "semanticVersion": version("holdfast"),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"uri": Path.cwd().as_uri() + "/"}},
        "invocations": [
            {
                "executionSuccessful": not report.problems,
                "toolExecutionNotifications": [_notification(item) for item in report.problems],
            }
        ],
        "results": list(_results(report, [rule.code for rule in rules])),
        "properties": {
            "calls": report.coverage.calls,
            "resolvedCalls": report.coverage.resolved_calls,
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    page = rule.page
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": page.what},
        "help": {"text": f"{page.what}\n\n{page.why}", "markdown": page.text},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": ["durable-execution", "replay"]},
    }


def _results(report: Report, codes: list[str]) -> Iterator[dict[str, Any]]:
    hidden: list[tuple[Diagnostic, dict[str, Any]]] = [
        (item.diagnostic, {"kind": "inSource", "justification": item.reason or "no reason given"})
        for item in report.suppressed
    ]
    hidden += [
        (item, {"kind": "external", "justification": f"in the baseline {report.baseline}"})
        for item in report.known
    ]
    yield from _batch(((item, None) for item in report.diagnostics), report, codes)
    yield from _batch(hidden, report, codes)


def _batch(
    items: Iterable[tuple[Diagnostic, dict[str, Any] | None]], report: Report, codes: list[str]
) -> Iterator[dict[str, Any]]:
    pairs = list(items)
    marks = hashes((item for item, _ in pairs), report.sources)
    for (item, suppression), mark in zip(pairs, marks, strict=True):
        result = _result(item, codes, mark)
        # An empty list says that the tool knows of suppressions and that this result has none.
        yield {**result, "suppressions": [] if suppression is None else [suppression]}


def _result(item: Diagnostic, codes: list[str], mark: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": item.code,
        "ruleIndex": codes.index(item.code),
        "level": LEVELS[item.severity],
        "message": {"text": f"{item.message}\n{item.advice}"},
        "locations": [_location(item.path, _region(item.span))],
        "partialFingerprints": {MARK: mark},
    }
    if item.chain:
        result["codeFlows"] = [{"threadFlows": [{"locations": list(_flow(item))}]}]
    if item.fix is not None:
        result["fixes"] = [_fix(item.path, item.fix)]
    return result


def _flow(item: Diagnostic) -> Iterator[dict[str, Any]]:
    """Go from the workflow down: each function where it is defined, and where it calls the next one."""
    for number, hop in enumerate(item.chain):
        kind = "function" if number else "workflow"
        yield _step(hop, hop.line, f"{kind} {hop.function}", number)
        if number < len(item.chain) - 1:
            yield _step(hop, hop.call_line, f"calls {item.chain[number + 1].function}", number)
    last = _location(item.path, _region(item.span), item.message)
    yield {"location": last, "nestingLevel": len(item.chain)}


def _step(hop: Hop, line: int, text: str, level: int) -> dict[str, Any]:
    return {"location": _location(hop.path, {"startLine": line}, text), "nestingLevel": level}


def _fix(path: str, fix: Fix) -> dict[str, Any]:
    text = fix.title if fix.safe else f"{fix.title} (unsafe)"
    change = {
        "artifactLocation": _artifact(path),
        "replacements": [_replacement(edit) for edit in fix.edits],
    }
    return {"description": {"text": text}, "artifactChanges": [change]}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}


def _notification(problem: Problem) -> dict[str, Any]:
    region = {} if problem.line is None else {"startLine": problem.line}
    return {
        "level": "error",
        "message": {"text": problem.message},
        "locations": [_location(problem.path, region)],
    }


def _location(path: str, region: dict[str, int], text: str | None = None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(path)}
    if region:
        place["region"] = region
    location: dict[str, Any] = {"physicalLocation": place}
    return location if text is None else {**location, "message": {"text": text}}


def _artifact(path: str) -> dict[str, str]:
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(PurePath(path).as_posix()), "uriBaseId": ROOT}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column + 1,
        "endLine": span.end_line,
        "endColumn": span.end_column + 1,
    }
