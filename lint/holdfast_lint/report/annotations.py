"""Reports for the review pages of GitHub and GitLab."""

import json
from pathlib import PurePath

from holdfast_lint.diagnostic import Diagnostic, Problem, Report
from holdfast_lint.fingerprint import hashes
from holdfast_lint.report.findings import details

COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
# GitLab has words of its own for how bad something is.
DEGREES = {"error": "major", "warning": "minor", "info": "info"}


def render_github(report: Report) -> str:
    """Write one workflow command per finding, which GitHub shows beside the line."""
    found = [_command(item) for item in report.diagnostics]
    return "".join(f"{line}\n" for line in (*found, *map(_complaint, report.problems)))


def render_gitlab(report: Report) -> str:
    """Write a Code Quality report."""
    entries = [
        {
            "description": f"{item.code} {item.message}",
            "check_name": f"{item.code} {item.name}",
            "fingerprint": mark,
            "severity": DEGREES[item.severity],
            "location": {"path": _posix(item.path), "lines": {"begin": item.span.line}},
        }
        for item, mark in zip(
            report.diagnostics, hashes(report.diagnostics, report.sources), strict=True
        )
    ]
    return json.dumps(entries, indent=2) + "\n"


def _command(item: Diagnostic) -> str:
    span = item.span
    properties = {
        "title": f"{item.code} {item.name}",
        "file": _posix(item.path),
        "line": span.line,
        "col": span.column + 1,
        "endLine": span.end_line,
        "endColumn": span.end_column + 1,
    }
    text = "\n".join((item.message, *details(item)))
    return _write(COMMANDS[item.severity], properties, text)


def _complaint(problem: Problem) -> str:
    properties: dict[str, object] = {"title": "not checked", "file": _posix(problem.path)}
    if problem.line is not None:
        properties |= {"line": problem.line, "col": problem.column or 1}
    return _write("error", properties, problem.message)


def _write(command: str, properties: dict[str, object], text: str) -> str:
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{command} {given}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _posix(path: str) -> str:
    return PurePath(path).as_posix()
