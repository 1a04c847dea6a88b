"""Drop each guard of the store in turn and see that the tests notice: `poe guards`.

A guard is a check of the epoch of a lease, or a unique key. Exits 1 when the tests pass without one of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.guards.mutants import Mutant, find

ROOT = Path(__file__).parents[2]
TESTS = (
    "tests/runtime/store",
    "tests/runtime/worker",
    "tests/runtime/activities",
    "tests/runtime/control",
    "tests/runtime/conversing",
    "tests/runtime/approvals",
    "tests/runtime/family",
    "tests/runtime/fleet",
    "tests/runtime/schedules",
)


def noticed_by(mutant: Mutant, tests: tuple[str, ...]) -> str:
    """Return the first test that fails without a guard, or an empty text when all pass."""
    with tempfile.TemporaryDirectory(prefix="holdfast-guard-") as folder:
        source = Path(folder) / "runtime"
        mutant.write(ROOT / "runtime", source)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(source), str(ROOT)])},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
    if done.returncode == 0:
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if not failed:
        raise SystemExit(f"{mutant.name}: the tests did not run:\n{done.stdout[-3000:]}")
    return failed[0].split(" - ")[0].removeprefix("FAILED ").removeprefix("ERROR ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="only guards whose name contains this")
    parser.add_argument("tests", nargs="*", default=TESTS, help="what must notice")
    given = parser.parse_args()
    mutants = [mutant for mutant in find(ROOT / "runtime") if given.only in mutant.name]
    if not mutants:
        parser.error(f"no guard's name contains {given.only!r}")
    missed = 0
    for number, mutant in enumerate(mutants, 1):
        test = noticed_by(mutant, tuple(given.tests))
        missed += not test
        verdict = f"noticed by {test}" if test else "NOT NOTICED"
        print(f"{number:3}/{len(mutants)}  {mutant.name}: {verdict}", flush=True)
    print(f"guards: {len(mutants) - missed} of {len(mutants)} dropped guards are noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
