"""How often each rule was broken, and how much of that can be fixed."""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast_lint.diagnostic import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Be the findings of one rule; `safe` and `unsafe` of them have a fix."""

    code: str
    name: str
    count: int
    safe: int
    unsafe: int


def counts(report: Report) -> tuple[Row, ...]:
    """Count findings per rule, most frequent first."""
    return tuple(sorted(_rows(report), key=lambda row: (-row.count, row.code)))


def render_statistics(report: Report) -> str:
    """Write one line per rule."""
    return "".join(
        f"{row.count:>5}  {row.code}  {row.name}{_fixable(row)}\n" for row in counts(report)
    )


def _rows(report: Report) -> Iterator[Row]:
    for code, name in {(item.code, item.name) for item in report.diagnostics}:
        found = [item for item in report.diagnostics if item.code == code]
        fixes = [item.fix for item in found if item.fix is not None]
        safe = sum(fix.safe for fix in fixes)
        yield Row(code=code, name=name, count=len(found), safe=safe, unsafe=len(fixes) - safe)


def _fixable(row: Row) -> str:
    parts = [
        f"{number} fixable with {option}"
        for number, option in ((row.safe, "--fix"), (row.unsafe, "--fix --unsafe-fixes"))
        if number
    ]
    return f"  ({', '.join(parts)})" if parts else ""
