"""Reports for programs: one JSON document, or one per line."""

import json
from collections.abc import Iterator
from typing import Any

from holdfast_lint.diagnostic import Diagnostic, Edit, Problem, Report
from holdfast_lint.fingerprint import hashes
from holdfast_lint.model import Span
from holdfast_lint.report.statistics import counts

SCHEMA = 1


def render_json(report: Report) -> str:
    """Write the document; lines and columns count from one."""
    document = {
        "schema": SCHEMA,
        "tool": "holdfast lint",
        "findings": list(_findings(report)),
        "suppressed": list(_suppressed(report)),
        "problems": [_problem(problem) for problem in report.problems],
        "left_out": [{"path": item.path, "reason": item.reason} for item in report.left_out],
        "summary": _summary(report),
    }
    return json.dumps(document, indent=2) + "\n"


def render_json_lines(report: Report) -> str:
    """Write each finding, then each problem, then the summary as a line of its own, with a `kind` each."""
    lines = [
        *({"kind": "finding", **item} for item in _findings(report)),
        *({"kind": "problem", **_problem(problem)} for problem in report.problems),
        {"kind": "summary", **_summary(report)},
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def render_statistics_json(report: Report) -> str:
    """Write how often each rule was broken."""
    rows = [
        {
            "code": row.code,
            "name": row.name,
            "count": row.count,
            "fixable": row.safe,
            "unsafe_fixable": row.unsafe,
        }
        for row in counts(report)
    ]
    return json.dumps(rows, indent=2) + "\n"


def _summary(report: Report) -> dict[str, Any]:
    coverage = report.coverage
    return {
        "files": coverage.files,
        "workflows": coverage.workflows,
        "calls": coverage.calls,
        "resolved_calls": coverage.resolved_calls,
        "resolved_percent": coverage.resolved_percent,
        "findings": len(report.failing),
        "information": len(report.diagnostics) - len(report.failing),
        "fixable": report.fixable(safely=True),
        "unsafe_fixable": report.fixable(safely=False),
        "suppressed": len(report.suppressed),
        "baseline": report.baseline,
        "in_baseline": len(report.known),
        "not_checked": len(report.problems),
        "left_out": len(report.left_out),
    }


def _findings(report: Report) -> Iterator[dict[str, Any]]:
    marks = hashes(report.diagnostics, report.sources)
    for item, mark in zip(report.diagnostics, marks, strict=True):
        yield {**_finding(item), "fingerprint": mark}


def _suppressed(report: Report) -> Iterator[dict[str, Any]]:
    for item in report.suppressed:
        found = item.diagnostic
        yield {
            "code": found.code,
            "path": found.path,
            "line": found.span.line,
            "reason": item.reason,
        }


def _finding(item: Diagnostic) -> dict[str, Any]:
    return {
        "code": item.code,
        "name": item.name,
        "severity": item.severity,
        "message": item.message,
        "help": item.advice,
        "path": item.path,
        **_place(item.span),
        "symbol": item.symbol,
        "chain": [
            {
                "function": hop.function,
                "path": hop.path,
                "line": hop.line,
                "call_line": hop.call_line,
            }
            for hop in item.chain
        ],
        "sinks": [
            {"kind": sink.kind, "what": sink.what, "path": sink.path, "line": sink.span.line}
            for sink in item.sinks
        ],
        "other_workflows": item.other_workflows,
        "fix": None
        if item.fix is None
        else {
            "title": item.fix.title,
            "safe": item.fix.safe,
            "edits": [_edit(edit) for edit in item.fix.edits],
        },
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {**_place(edit.span), "text": edit.text}


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line,
        "end_column": span.end_column + 1,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }
