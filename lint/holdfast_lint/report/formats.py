"""The formats of `--format`, by name."""

from collections.abc import Callable, Mapping

from holdfast_lint.diagnostic import Report
from holdfast_lint.report.annotations import render_github, render_gitlab
from holdfast_lint.report.junit import render_junit
from holdfast_lint.report.sarif import render_sarif
from holdfast_lint.report.statistics import render_statistics
from holdfast_lint.report.structured import (
    render_json,
    render_json_lines,
    render_statistics_json,
)
from holdfast_lint.report.text import render_concise, render_text

FOR_PROGRAMS: Mapping[str, Callable[[Report], str]] = {
    "github": render_github,
    "gitlab": render_gitlab,
    "json": render_json,
    "json-lines": render_json_lines,
    "junit": render_junit,
    "sarif": render_sarif,
}


def render(report: Report, form: str, *, colour: bool, statistics: bool) -> str:
    """Write a report in the format of that name; statistics are for people, or JSON."""
    if statistics:
        return render_statistics_json(report) if form == "json" else render_statistics(report)
    if form in FOR_PROGRAMS:
        return FOR_PROGRAMS[form](report)
    return (render_concise if form == "concise" else render_text)(report, colour=colour)
