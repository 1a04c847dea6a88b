"""A report for what shows test results: each file is a suite, each finding a failed test."""

import re
from itertools import groupby
from xml.etree import ElementTree as ET

from holdfast_lint.diagnostic import Diagnostic, Problem, Report
from holdfast_lint.report.findings import details

# What XML 1.0 cannot hold, however it is written.
IMPOSSIBLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """Write the document; a file without findings is a passed test."""
    suites = ET.Element("testsuites", name="holdfast lint")
    by_path = {
        path: list(items) for path, items in groupby(report.diagnostics, lambda item: item.path)
    }
    problems = {problem.path: problem for problem in report.problems}
    for path in sorted({*report.checked, *by_path, *problems}):
        _suite(suites, path, by_path.get(path, []), problems.get(path))
    failures = len(report.diagnostics)
    suites.set("tests", str(sum(int(suite.get("tests", "0")) for suite in suites)))
    suites.set("failures", str(failures))
    suites.set("errors", str(len(problems)))
    ET.indent(suites)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(suites, encoding='unicode')}\n"


def _suite(suites: ET.Element, path: str, found: list[Diagnostic], problem: Problem | None) -> None:
    suite = ET.SubElement(
        suites,
        "testsuite",
        name=_text(path),
        tests=str(max(1, len(found) + (problem is not None))),
        failures=str(len(found)),
        errors=str(int(problem is not None)),
    )
    for item in found:
        case = _case(
            suite, path, f"{item.code} {item.name} {item.span.line}:{item.span.column + 1}"
        )
        case.set("line", str(item.span.line))
        failure = ET.SubElement(case, "failure", message=_text(item.message), type=item.severity)
        failure.text = _text("\n".join((f"{path}:{item.span.line}", *details(item))))
    if problem is not None:
        ET.SubElement(_case(suite, path, "readable"), "error", message=_text(problem.message))
    elif not found:
        _case(suite, path, "holdfast lint")


def _case(suite: ET.Element, path: str, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", name=_text(name), classname=_text(path), file=_text(path)
    )


def _text(text: str) -> str:
    return IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", text)
