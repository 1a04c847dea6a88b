"""Carrying out fixes: check, fix, check again, until nothing is left to fix."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast_lint.collect.parsing import UnreadableError, decode, encoding_of
from holdfast_lint.diagnostic import LintError, Report
from holdfast_lint.fixes.applying import apply_fixes, without_needless_imports

# Each pass mends all that fit together; so many fixes in one place mean that two of them undo one another.
PASSES = 25

Checker = Callable[[Mapping[Path, str]], Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Hold the new texts of files, the old ones, how many fixes it took, and what is left to report."""

    before: Mapping[Path, str]
    after: Mapping[Path, str]
    count: int
    report: Report

    def diff(self) -> str:
        """Write the changes as a unified diff."""
        return "".join(
            _joined(difflib.unified_diff(_lines(old), _lines(self.after[file]), name, name))
            for file, old in sorted(self.before.items())
            for name in (os.path.relpath(file),)
        )


def fix_all(check: Checker, *, unsafe: bool) -> Fixed:
    """Fix what a check reports in the files that it was asked for, without writing any.

    `check` is asked again and again, with the new texts in the place of the files.
    """
    before: dict[Path, str] = {}
    after: dict[Path, str] = {}
    count = 0
    report = check(after)
    for _ in range(PASSES):
        changed = 0
        for path in report.checked:
            fixes = [
                item.fix
                for item in report.diagnostics
                if item.path == path and item.fix is not None and (item.fix.safe or unsafe)
            ]
            if fixes:
                file, text = Path(path).absolute(), report.sources[path]
                before.setdefault(file, text)
                after[file], number = apply_fixes(text, fixes)
                changed += number
        if not changed:
            break
        count += changed
        report = check(after)
    tidied = {file: without_needless_imports(before[file], text) for file, text in after.items()}
    if tidied != after:
        report = check(tidied)
    return Fixed(before=before, after=tidied, count=count, report=report)


def write_fixed(fixed: Fixed) -> Iterator[Path]:
    """Write the new texts in the encoding of the old ones, and yield each file that was written.

    Raises:
        LintError: if a file cannot be written, or has changed since it was read.
    """
    for file, text in sorted(fixed.after.items()):
        if text == fixed.before[file]:
            continue
        try:
            data = file.read_bytes()
            if decode(data) != fixed.before[file]:
                raise LintError(f"{file} has changed while it was checked; run the fix again")
            file.write_bytes(text.encode(encoding_of(data)))
        except (OSError, UnicodeError, UnreadableError) as error:
            raise LintError(f"{file} cannot be written: {error}") from error
        yield file


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _joined(lines: Iterator[str]) -> str:
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
