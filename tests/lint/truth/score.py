"""Comparing what a tool says with what is true."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.lint.truth.cases import Case, Mark, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Be one report of a tool; without a line it is about the case as a whole, as what happens at run time is."""

    path: str
    line: int | None
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Say what a tool made of one case: found or not, and what it reported that is fine."""

    case: Case
    found: bool
    alarms: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Count the verdicts of a tool."""

    verdicts: tuple[Verdict, ...]

    @property
    def mistakes(self) -> int:
        """Count the mistakes."""
        return sum(verdict.case.is_mistake for verdict in self.verdicts)

    @property
    def found(self) -> int:
        """Count the mistakes that were found."""
        return sum(verdict.found for verdict in self.verdicts)

    @property
    def missed(self) -> tuple[Case, ...]:
        """Return the mistakes that were not found."""
        return tuple(item.case for item in self.verdicts if item.case.is_mistake and not item.found)

    @property
    def look_alikes(self) -> int:
        """Count the look-alikes."""
        return len(self.verdicts) - self.mistakes

    @property
    def alarmed(self) -> int:
        """Count the look-alikes that were reported."""
        return sum(bool(item.alarms) for item in self.verdicts if not item.case.is_mistake)

    @property
    def beside(self) -> int:
        """Count the mistakes where something beside the mistake was reported."""
        return sum(bool(item.alarms) for item in self.verdicts if item.case.is_mistake)

    @property
    def recall(self) -> float | None:
        """Return the share of mistakes that were found."""
        return self.found / self.mistakes if self.mistakes else None

    @property
    def precision(self) -> float | None:
        """Return the share of true ones among the cases in which something was reported."""
        reported = self.found + self.alarmed + self.beside
        return self.found / reported if reported else None

    def of(self, cases: Iterable[Case]) -> "Score":
        """Narrow the score to some cases."""
        names = {case.path for case in cases}
        return Score(verdicts=tuple(item for item in self.verdicts if item.case.path in names))


def judge(case: Case, findings: Iterable[Finding], *, by_code: bool) -> Verdict:
    """Compare the findings of a tool in one case with its marks; `by_code`: the code must be an accepted one too."""
    places = list(findings)
    whole = [item for item in places if item.line is None]
    if whole and case.is_mistake:
        return Verdict(case=case, found=True, alarms=())
    marks = (*case.marks, *case.alternatives)
    alarms = [item for item in places if not any(_is_about(mark, item) for mark in marks)]
    wanted: list[tuple[Mark, ...]] = [(mark,) for mark in case.marks]
    if len(case.marks) == 1:
        wanted = [(*case.marks, *case.alternatives)]
    found = bool(wanted) and all(
        any(
            _is_about(mark, item) and (item.code in mark.codes or not by_code)
            for mark in group
            for item in places
        )
        for group in wanted
    )
    return Verdict(case=case, found=found, alarms=tuple(sorted(alarms, key=_key)))


def _key(finding: Finding) -> tuple[Place, str]:
    return (finding.path, finding.line or 0), finding.code


def _is_about(mark: Mark, finding: Finding) -> bool:
    return finding.line is not None and mark.covers((finding.path, finding.line))
