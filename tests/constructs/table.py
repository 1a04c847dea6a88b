"""Print which test proves which construct: `poe constructs`. Exit code 1 when one is unproved, or a marker is wrong.

Tests say what they prove: `@pytest.mark.construct("asyncio.gather")`. With `--write` the table replaces the one in
docs/reference/constructs.md.
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

Every construct of asyncio that a workflow may use, what is refused there, and every name of the API, each with the
tests that prove it. `poe constructs` makes this page from the markers of the tests and fails when a row has no test;
`poe constructs --write` brings the page up to date.

Tests in `tests/golden` replay a history that was recorded once and is never recorded again, by every later release.
`poe golden-matrix` runs them and the tests of the core on Python 3.11, 3.12 and 3.13; then each Python, under three
hash seeds, must do the same as the others with every history and with 150 random programs. Interpreters are looked for
in `HOLDFAST_PYTHONS` (paths, separated as in `PATH`), in `PATH`, and among those of pyenv and uv; each gets an
environment in `.venv-matrix/`. The command fails when a version is missing; with `--any` it says so and is content with
those there are. `make test`, and with it the pipeline, compares with `--quick --any`: histories and programs, and no
other test.

`poe soak-programs` runs 10 000 random programs, crashes each after every turn, and compares.
"""


@dataclass
class Proofs:
    """Collect the tests of each construct; a plugin of pytest."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for marker in item.iter_markers("construct"):
                test = item.nodeid if marker.kwargs.get("case") else item.nodeid.partition("[")[0]
                for name in marker.args:
                    tests = self.found.setdefault(name, [])
                    if test not in tests:
                        tests.append(test)


def proofs(*where: str) -> dict[str, list[str]]:
    """Return the ids of the tests that prove each construct, by its name."""
    collected, said = Proofs(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(
            ["--collect-only", "-q", "--rootdir", str(ROOT), *(where or WHERE)], plugins=[collected]
        )  # fmt: skip
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"constructs: the tests cannot be collected.\n{said.getvalue()[-3000:]}")
    return {name: sorted(tests) for name, tests in collected.found.items()}


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="bring docs/reference/constructs.md up to date"
    )
    given = parser.parse_args()
    known, found = rows(), proofs()
    page, wrong = table(found, known), mistakes(found, known)
    if given.write:
        DOCUMENT.write_text(page)
    else:
        print(page)
    count = sum(map(len, known.values()))
    print(*wrong, f"{count} constructs, {len(wrong)} mistakes", sep="\n", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
