import re
from pathlib import Path

import pytest

from holdfast_lint.api import check_paths

ROOT = Path(__file__).parents[2]
MISTAKES = ROOT / "examples" / "mistakes"
MARKER = re.compile(r"# mistake:((?: HF\d{3})+)$")

Place = tuple[str, int, str]


def marked() -> list[Place]:
    found: list[Place] = []
    for file in MISTAKES.rglob("*.py"):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            match = MARKER.search(line)
            codes = match[1].split() if match else ()
            found.extend((str(file.relative_to(MISTAKES)), number, code) for code in codes)
    return sorted(found)


def test_the_checker_reports_exactly_the_marked_lines() -> None:
    report = check_paths([MISTAKES], folder=MISTAKES)
    reported = sorted((item.path, item.span.line, item.code) for item in report.diagnostics)

    assert reported == marked()
    assert report.problems == ()


def test_every_call_of_the_mistakes_is_resolved() -> None:
    coverage = check_paths([MISTAKES]).coverage

    assert coverage.resolved_percent >= 95


def test_examples_without_the_mistakes_are_clean() -> None:
    report = check_paths([ROOT / "examples"])

    assert report.failing == ()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "billing/tools/clock.py",
            [
                "invoice (billing/flow.py)",
                "next_number (billing/steps.py)",
                "month (billing/tools/clock.py)",
            ],
        ),
        (
            "billing/tools/retries.py",
            ["invoice (billing/flow.py)", "retrying.decorate.again (billing/tools/retries.py)"],
        ),
    ],
)
def test_the_path_leads_from_the_workflow_through_every_module(
    file: str, expected: list[str]
) -> None:
    report = check_paths([MISTAKES], folder=MISTAKES)
    (finding,) = [item for item in report.diagnostics if item.path == file]

    assert [f"{hop.function} ({hop.path})" for hop in finding.chain] == expected
