"""Print which test proves which construct: `poe constructs`. Exit code 1 when one is unproved, or a marker is wrong.

Tests say what they prove: `@pytest.mark.construct("asyncio.gather")`. They are collected, and with `--run` they are
run. With `--write` the table replaces the one in docs/reference/constructs.md. The last line is the figure.
"""

import argparse
import contextlib
import io
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.constructs.rows import rows

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "constructs.md"
WHERE = [str(ROOT / "tests" / part) for part in ("runtime", "golden", "testkit")]
_HEAD = """# Constructs and the tests that prove them

Every construct of asyncio that a workflow may use, what is refused there, every name of the API, and what is promised
of them, each with the tests that prove it. `poe constructs` makes this page from the markers of the tests and fails when
a row has no test; `--run` runs the tests too and says which constructs pass, and `--write` brings the page up to date.

Tests in `tests/golden` replay a history that was recorded once and is never recorded again, by every later release.
`poe golden-matrix` runs them and the tests of the core on Python 3.11, 3.12 and 3.13; then each Python, under three
hash seeds, must do the same as the others with every history and with 150 random programs. Interpreters are looked for
in `HOLDFAST_PYTHONS` (paths, separated as in `PATH`), in `PATH`, and among those of pyenv and uv; each gets an
environment in `.venv-matrix/`. The command fails when a version is missing; with `--any` it says so and is content with
those there are. `make test`, and with it the pipeline, compares with `--quick --any`: histories and programs, and no
other test.

`poe soak-programs` runs 10 000 random programs, crashes each after every turn, and compares.
"""


@dataclass(eq=False)  # pytest keeps plugins in sets
class Proofs:
    """Collect the tests of each construct, and how those that ran have ended; a plugin of pytest."""

    found: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)  # whether a test, of all its cases, passed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        marked = [item for item in items if item.get_closest_marker("construct")]
        config.hook.pytest_deselected(items=[item for item in items if item not in marked])
        items[:] = marked

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for marker in item.iter_markers("construct"):
                test = item.nodeid if marker.kwargs.get("case") else item.nodeid.partition("[")[0]
                for name in marker.args:
                    tests = self.found.setdefault(name, [])
                    if test not in tests:
                        tests.append(test)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for test in {report.nodeid, report.nodeid.partition("[")[0]}:
            if report.failed or report.when == "call":
                self.ended[test] = self.ended.get(test, True) and report.passed

    def failed(self, name: str) -> list[str]:
        """Return the tests of a construct that failed or never ran; a construct without a test has failed."""
        tests = self.found.get(name) or ["no test"]
        return [test for test in tests if not self.ended.get(test)]


def proofs(*where: str, run: bool = False) -> Proofs:
    """Return the tests that prove each construct, run if wanted."""
    collected, said = Proofs(), io.StringIO()
    options = ["-q", "--rootdir", str(ROOT), *([] if run else ["--collect-only"])]
    with contextlib.redirect_stdout(said):
        code = pytest.main([*options, *(where or WHERE)], plugins=[collected])
    if code not in {
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED if run else pytest.ExitCode.OK,
    }:
        raise SystemExit(f"constructs: the tests cannot be collected.\n{said.getvalue()[-3000:]}")
    for tests in collected.found.values():
        tests.sort()
    return collected


def mistakes(found: dict[str, list[str]], known: dict[str, list[str]]) -> list[str]:
    """Return a sentence for each construct without a test and for each marker that names no construct."""
    names = [name for group in known.values() for name in group]
    unproved = [
        f'{name}: no test proves it. Mark one: @pytest.mark.construct("{name}")'
        for name in names
        if not found.get(name)
    ]
    unknown = [
        f"{name}: marked by {tests[0]}, and no construct. The names are in tests/constructs/rows.py"
        for name, tests in sorted(found.items())
        if name not in names
    ]
    return unproved + unknown


def table(found: dict[str, list[str]], known: dict[str, list[str]]) -> str:
    """Return the page."""
    parts = [_HEAD]
    for heading, names in known.items():
        lines = [f"| `{name}` | {_links(found.get(name, []))} |" for name in names]
        parts.append(
            "\n".join([f"## {heading}\n", "| construct | proved by |", "|---|---|", *lines, ""])
        )
    return "\n".join(parts)


def _links(tests: list[str]) -> str:
    links = []
    for test in tests:
        path, _, name = test.partition("::")
        links.append(f"[{name}](../../{path})")
    return "<br>".join(links)


def verdicts(proved: Proofs, known: dict[str, list[str]]) -> list[str]:
    """Return a line for each construct: whether its tests passed, and those that did not."""
    lines = []
    for name in (name for group in known.values() for name in group):
        failed = proved.failed(name)
        lines.append(
            f"{'FAIL' if failed else 'pass'}  {name}: {len(proved.found.get(name, []))} tests"
        )
        lines += [f"      {test}" for test in failed]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--run", action="store_true", help="run the tests and say which constructs pass"
    )
    parser.add_argument(
        "--write", action="store_true", help="bring docs/reference/constructs.md up to date"
    )
    given = parser.parse_args()
    known, proved = rows(), proofs(run=given.run)
    wrong = mistakes(proved.found, known)
    names = [name for group in known.values() for name in group]
    bad = [name for name in names if proved.failed(name)] if given.run else []
    if given.write:
        DOCUMENT.write_text(table(proved.found, known))
    elif given.run:
        print(*verdicts(proved, known), sep="\n")
    else:
        print(table(proved.found, known))
    print(*wrong, sep="\n", file=sys.stderr, end="\n" if wrong else "")
    how = (
        f"{len(names) - len(bad)} passed, {len(bad)} failed"
        if given.run
        else "tests collected and not run (--run runs them)"
    )
    print(f"{len(names)} constructs, {len(wrong)} mistakes; {how}")
    sys.exit(1 if wrong or bad else 0)


if __name__ == "__main__":
    main()
