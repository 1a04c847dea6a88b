"""The baseline: findings that a project has learnt to live with, in a file that only shrinks."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from holdfast_lint.diagnostic import Diagnostic, LintError, Report
from holdfast_lint.fingerprint import Fingerprint, fingerprint

SCHEMA = 1
TOOL = "holdfast lint"
FIELDS = ("path", "symbol", "code", "snippet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Hold how often each finding is known, and from which workflow's file it was reached.

    Paths are relative to the folder of `file`, so that the file means the same wherever it is used from.
    """

    file: Path
    counts: Mapping[Fingerprint, int] = field(default_factory=dict)
    roots: Mapping[Fingerprint, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the findings."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Hold a report without what the baseline knows, and the entries that no longer occur."""

    report: Report
    gone: Mapping[Fingerprint, int]


def read_baseline(file: Path) -> Baseline:
    """Read a baseline.

    Raises:
        LintError: if the file cannot be read, or is none.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LintError(
            f"the baseline {file} does not exist; --update-baseline writes one with all present findings"
        ) from None
    except (OSError, ValueError) as error:
        raise LintError(f"the baseline {file} cannot be read: {error}") from error
    try:
        return _parse(file, document)
    except (KeyError, TypeError, AttributeError) as error:
        raise LintError(
            f"the baseline {file} was not written by `holdfast lint`: {error!r} is missing or wrong"
        ) from error


def compare(report: Report, baseline: Baseline) -> Comparison:
    """Take out of a report what the baseline knows.

    An entry is gone when it was looked for and not found: its file and that of the workflow which reached it are
    among the checked ones, or are no more.
    """
    marks = _marks(report.diagnostics, report, baseline.file)
    left = Counter(baseline.counts)
    new: list[Diagnostic] = []
    known: list[Diagnostic] = []
    for item, mark in zip(report.diagnostics, marks, strict=True):
        (known if left[mark] > 0 else new).append(item)
        left[mark] -= left[mark] > 0
    looked_for = _LookedFor(report, baseline)
    gone = {mark: count for mark, count in sorted(left.items()) if count and looked_for(mark)}
    return Comparison(
        report=replace(
            report,
            diagnostics=tuple(new),
            known=tuple(known),
            baseline=os.path.relpath(baseline.file),
        ),
        gone=gone,
    )


def shrunk(baseline: Baseline, gone: Mapping[Fingerprint, int]) -> Baseline:
    """Forget what is gone."""
    counts = {mark: count - gone.get(mark, 0) for mark, count in baseline.counts.items()}
    return replace(baseline, counts={mark: count for mark, count in counts.items() if count})


def grown(baseline: Baseline, report: Report) -> Baseline:
    """Learn the findings of a report that are not known yet."""
    marks = _marks(report.diagnostics, report, baseline.file)
    roots = {
        mark: _seen_from(baseline.file, item.chain[0].path)
        for item, mark in zip(report.diagnostics, marks, strict=True)
        if item.chain
    }
    counts = Counter(baseline.counts)
    counts.update(marks)
    return replace(baseline, counts=counts, roots={**roots, **baseline.roots})


def write_baseline(baseline: Baseline) -> None:
    """Write the file, sorted, or leave the old one untouched.

    Raises:
        LintError: if it cannot be written.
    """
    entries = [
        {name: getattr(mark, name) for name in FIELDS}
        | {"count": count, "workflow": baseline.roots.get(mark, mark.path)}
        for mark, count in sorted(baseline.counts.items())
    ]
    document = {"schema": SCHEMA, "tool": TOOL, "findings": entries}
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    beside = baseline.file.with_name(f"{baseline.file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        beside.replace(baseline.file)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise LintError(
            f"the baseline {baseline.file} cannot be written: {error.strerror}"
        ) from error


def _parse(file: Path, document: dict[str, Any]) -> Baseline:
    if document["schema"] != SCHEMA:
        raise KeyError("schema")
    counts: dict[Fingerprint, int] = {}
    roots: dict[Fingerprint, str] = {}
    for entry in document["findings"]:
        mark = Fingerprint(**{name: entry[name] for name in FIELDS})
        if type(entry["count"]) is not int or entry["count"] < 1:
            raise KeyError("count")
        counts[mark] = entry["count"]
        roots[mark] = entry["workflow"]
    return Baseline(file=file, counts=counts, roots=roots)


class _LookedFor:
    """Tell whether a check would have found what an entry describes."""

    def __init__(self, report: Report, baseline: Baseline) -> None:
        unread = {_seen_from(baseline.file, problem.path) for problem in report.problems}
        self._checked = {
            _seen_from(baseline.file, path): codes
            for path, codes in report.checked.items()
            if _seen_from(baseline.file, path) not in unread
        }
        self._baseline = baseline
        self._unread = unread

    def __call__(self, mark: Fingerprint) -> bool:
        codes = self._checked.get(mark.path)
        if codes is not None and mark.code not in codes:
            return False
        root = self._baseline.roots.get(mark, mark.path)
        return all(path in self._checked or self._is_no_more(path) for path in (mark.path, root))

    def _is_no_more(self, path: str) -> bool:
        return path not in self._unread and not (self._baseline.file.parent / path).exists()


def _marks(items: Iterable[Diagnostic], report: Report, file: Path) -> list[Fingerprint]:
    marks = (fingerprint(item, report.sources) for item in items)
    return [replace(mark, path=_seen_from(file, mark.path)) for mark in marks]


def _seen_from(file: Path, path: str) -> str:
    return PurePath(os.path.relpath(path, file.absolute().parent)).as_posix()
