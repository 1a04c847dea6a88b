"""The checkers that are compared: ours, those of others, and Temporal's sandbox while a workflow runs.

Each gets only the cases of the dialects it says it supports, and is run as a user would run it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.lint.truth.cases import CORPUS, Case
from tests.lint.truth.score import Finding, Score, judge

from holdfast_lint.api import check_paths
from holdfast_lint.selection import Options

ROOT = Path(__file__).parents[3]
_TEMPORALINT = re.compile(r"^(.+?):(\d+):\d+: (TPL\d+) (.*)$", re.MULTILINE)
_ALL_OF_TEMPORALINT = ",".join(f"TPL{number:03}" for number in range(1, 11))
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Be one checker and how it is run."""

    name: str
    dialects: frozenset[str] | None  # None: all
    run: Callable[[Sequence[Case], Tick], Iterable[tuple[Case, list[Finding]]]]
    by_code: bool = False

    def claims(self, cases: Iterable[Case]) -> list[Case]:
        """Keep the cases of its dialects."""
        return [case for case in cases if self.dialects is None or case.dialect in self.dialects]

    def score(self, cases: Iterable[Case], tick: Tick = lambda _: None) -> Score:
        """Run it over the cases it claims; `tick` hears how many are done."""
        claimed = self.claims(cases)
        results = self.run(claimed, tick) if claimed else ()
        return Score(
            verdicts=tuple(
                judge(case, findings, by_code=self.by_code) for case, findings in results
            )
        )


def _ours(cases: Sequence[Case], tick: Tick) -> Iterator[tuple[Case, list[Finding]]]:
    for number, case in enumerate(cases, start=1):
        report = check_paths([case.path], folder=CORPUS, options=Options(select=("ALL",)))
        if report.problems:
            raise RuntimeError(f"{case.path} cannot be checked: {report.problems[0].message}")
        found = [
            Finding(path=item.path, line=item.span.line, code=item.code, message=item.message)
            for item in report.failing
        ]
        tick(number)
        yield case, found


def _command(*words: str) -> str:
    """Return what a command prints; checkers exit with 1 when they find something."""
    program = Path(sys.executable).parent / words[0]
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, cwd=ROOT, check=False)  # fmt: skip
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _shared(cases: Sequence[Case], found: Iterable[Finding]) -> list[tuple[Case, list[Finding]]]:
    """Hand the findings of one run over all cases to the case they lie in."""
    by_case: dict[str, list[Finding]] = {}
    for item in found:
        by_case.setdefault("/".join(Path(item.path).with_suffix("").parts[:3]), []).append(item)
    keys = {case.path: str(case.path.relative_to(CORPUS).with_suffix("")) for case in cases}
    return [(case, by_case.get(keys[case.path], [])) for case in cases]


def _temporalint(*options: str) -> Callable[..., list[tuple[Case, list[Finding]]]]:
    def run(cases: Sequence[Case], tick: Tick) -> list[tuple[Case, list[Finding]]]:
        text = _command("temporalint", *options, *(str(case.path) for case in cases))
        tick(len(cases))
        return _shared(
            cases,
            [
                Finding(path=_below(path), line=int(line), code=code, message=message)
                for path, line, code, message in _TEMPORALINT.findall(text)
            ],
        )

    return run


def _replayguard(*options: str) -> Callable[..., list[tuple[Case, list[Finding]]]]:
    def run(cases: Sequence[Case], tick: Tick) -> list[tuple[Case, list[Finding]]]:
        text = _command(
            "replayguard", "check", "--format", "json", *options, *(str(case.path) for case in cases)
        )  # fmt: skip
        tick(len(cases))
        return _shared(
            cases,
            [
                Finding(
                    path=_below(item["file"]), line=item["line"], code=item["rule"], message=item["message"],
                )
                for item in json.loads(text)["findings"]
                if item["rule"] != "RG900"  # says what could not be judged
            ],
        )  # fmt: skip

    return run


def _below(path: str) -> str:
    return str((ROOT / path).resolve().relative_to(CORPUS.resolve()))


def _sandbox(cases: Sequence[Case], tick: Tick) -> Iterator[tuple[Case, list[Finding]]]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        for number, outcome in enumerate(pool.map(_in_sandbox, cases), start=1):
            tick(number)
            yield outcome


def _in_sandbox(case: Case) -> tuple[Case, list[Finding]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.lint.truth.sandbox", str(case.path)],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{case.path} cannot be run in the sandbox:\n{done.stderr[-3000:]}")
    where = str(case.path.relative_to(CORPUS))
    said = json.loads(done.stdout.splitlines()[-1])
    return case, [
        Finding(path=where, line=None, code=item["how"], message=item["message"]) for item in said
    ]


OURS = Tool(name="holdfast lint", dialects=None, run=_ours, by_code=True)
_TEMPORAL, _AWS = frozenset({"temporalio"}), frozenset({"aws_durable_execution_sdk_python"})
OTHERS = (
    Tool(name="temporalint", dialects=_TEMPORAL, run=_temporalint()),
    Tool(
        name="temporalint, every rule on",
        dialects=_TEMPORAL,
        run=_temporalint("--select", _ALL_OF_TEMPORALINT),
    ),
    Tool(name="Temporal's sandbox, at run time", dialects=_TEMPORAL, run=_sandbox),
    Tool(name="replayguard", dialects=_AWS, run=_replayguard()),
    Tool(
        name="replayguard, high confidence only",
        dialects=_AWS,
        run=_replayguard("--min-confidence", "high"),
    ),
)
