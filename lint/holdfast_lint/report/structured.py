"""A report for programs: one JSON document."""

import json
from typing import Any

from holdfast_lint.diagnostic import Diagnostic, Problem, Report

SCHEMA = 1


def render_json(report: Report) -> str:
    """Write the document; lines and columns count from one."""
    coverage = report.coverage
    document = {
        "schema": SCHEMA,
        "tool": "holdfast lint",
        "findings": [_finding(item) for item in report.diagnostics],
        "problems": [_problem(problem) for problem in report.problems],
        "summary": {
            "files": coverage.files,
            "workflows": coverage.workflows,
            "calls": coverage.calls,
            "resolved_calls": coverage.resolved_calls,
            "resolved_percent": coverage.resolved_percent,
            "findings": len(report.failing),
            "information": len(report.diagnostics) - len(report.failing),
            "suppressed": len(report.suppressed),
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _finding(item: Diagnostic) -> dict[str, Any]:
    return {
        "code": item.code,
        "name": item.name,
        "severity": item.severity,
        "message": item.message,
        "help": item.advice,
        "path": item.path,
        "line": item.span.line,
        "column": item.span.column + 1,
        "end_line": item.span.end_line,
        "end_column": item.span.end_column + 1,
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
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }
