"""One run of `holdfast lint`: check, compare with the baseline, and say what it comes to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holdfast_lint.api import check_paths
from holdfast_lint.baseline import (
    Baseline,
    compare,
    grown,
    read_baseline,
    shrunk,
    write_baseline,
)
from holdfast_lint.diagnostic import LintError, Report
from holdfast_lint.dialectbook import load_dialects
from holdfast_lint.fingerprint import Fingerprint
from holdfast_lint.fixing import fix_all, write_fixed
from holdfast_lint.report.findings import counted
from holdfast_lint.selection import Options, Selection

CLEAN, FOUND, UNUSABLE = 0, 1, 2

Change = Literal["none", "shrink", "grow"]
Fixing = Literal["no", "diff", "write"]
FailOn = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Hold what the command line asks for, beside how to show it."""

    paths: tuple[Path, ...]
    options: Options
    baseline: Path | None = None
    change: Change = "none"
    fix: Fixing = "no"
    unsafe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Hold what there is to show, and sentences about what else happened."""

    report: Report
    notes: tuple[str, ...]
    diff: str = ""


def carry_out(request: Request) -> Result:
    """Check, and read and write the baseline.

    Raises:
        LintError: if the request or a file that it needs makes no sense.
    """
    file = request.baseline or Selection(request.options).baseline(
        path for path in request.paths if path.exists()
    )
    if file is None and request.change != "none":
        raise LintError(
            "there is no baseline to write: name one with --baseline FILE or `baseline` in [tool.holdfast.lint]"
        )
    notes: list[str] = []
    if request.fix == "no":
        diff, report = "", check_paths(request.paths, options=request.options)
    else:
        diff, report = _fixed(request, file, notes)
    if file is not None:
        report = _against(report, file, request.change, notes)
    notes.extend(_remarks(report))
    return Result(report=report, notes=tuple(notes), diff=diff)


def _fixed(request: Request, file: Path | None, notes: list[str]) -> tuple[str, Report]:
    """Fix what is not in the baseline, and give the diff and what is then left."""
    known = Baseline(file=file) if file is not None and not file.exists() else None
    baseline = known if file is None or known is not None else read_baseline(file)
    last: list[Report] = []

    def check(overlay: Mapping[Path, str]) -> Report:
        last[:] = [check_paths(request.paths, options=request.options, overlay=overlay)]
        return last[0] if baseline is None else compare(last[0], baseline).report

    fixed = fix_all(check, unsafe=request.unsafe)
    if request.fix == "write":
        written = list(write_fixed(fixed))
        notes.append(f"fixed {counted(fixed.count, 'finding')} in {counted(len(written), 'file')}")
    return fixed.diff(), last[0]


def exit_code(report: Report, *, fail_on: FailOn, exit_zero: bool) -> int:
    """Tell how the command ends: what could not be checked weighs more than what was found."""
    if report.problems:
        return UNUSABLE
    counting = ("error",) if fail_on == "error" else ("error", "warning")
    found = any(item.severity in counting for item in report.diagnostics)
    return FOUND if found and not exit_zero else CLEAN


def _against(report: Report, file: Path, change: Change, notes: list[str]) -> Report:
    is_first = change != "none" and not file.exists()
    baseline = Baseline(file=file) if is_first else read_baseline(file)
    comparison = compare(report, baseline)
    if change == "none":
        notes.extend(_gone(comparison.gone, file))
        return comparison.report
    kept = shrunk(baseline, comparison.gone)
    if is_first or change == "grow":
        kept = grown(kept, comparison.report)
    if is_first or kept != baseline:
        write_baseline(kept)
    forgotten = sum(comparison.gone.values())
    learnt = len(kept) - len(baseline) + forgotten
    notes.append(f"{file}: {counted(len(kept), 'finding')} ({learnt} added, {forgotten} removed)")
    return compare(report, kept).report


def _gone(gone: Mapping[Fingerprint, int], file: Path) -> Iterator[str]:
    number = sum(gone.values())
    if number:
        yield (
            f"{counted(number, 'finding')} of the baseline {file} no longer occur; --update-baseline forgets them"
        )
    for mark in gone:
        yield f"gone: {mark.path}: {mark.code} {mark.symbol}: {mark.snippet}"


def _remarks(report: Report) -> Iterator[str]:
    if report.coverage.files and not report.coverage.workflows:
        yield f"no workflow was found: nothing here is one of {_entries()}"


def _entries() -> str:
    """Say how workflows are written in each library that the linter knows."""
    members = load_dialects().members.values()
    return ", ".join(f"{dialect.name} (`{dialect.entry}`)" for dialect in members)
