"""What the lint tests share: check files written for one test."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from holdfast_lint.api import check_paths
from holdfast_lint.diagnostic import Report
from holdfast_lint.selection import Options

Checker = Callable[..., Report]


@pytest.fixture
def check(tmp_path: Path) -> Checker:
    """Write files into an empty folder and check the named ones, or the whole folder, by the rules that are on and those `also` named."""

    def run(files: dict[str, str], *named: str, also: tuple[str, ...] = ()) -> Report:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        paths = [tmp_path / name for name in named] or [tmp_path]
        return check_paths(paths, folder=tmp_path, options=Options(extend_select=also))

    return run


@pytest.fixture
def codes(check: Checker) -> Callable[[str], list[tuple[int, str]]]:
    """Check one module and give (line, code) of every finding."""

    def run(text: str) -> list[tuple[int, str]]:
        report = check({"flow.py": text})
        assert not report.problems
        return [(item.span.line, item.code) for item in report.diagnostics]

    return run


# Programs that a linter is to read; some look like tests, and none may be run.
collect_ignore = ["corpus"]
