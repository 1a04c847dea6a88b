"""The scenarios of `poe fire`, each in its shortest form."""

import random
import subprocess
import sys

import pytest
from tests.fire.__main__ import SCENARIOS, Size, run
from tests.fire.fleet import ROOT


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_nothing_that_was_promised_is_broken(name: str) -> None:
    size = Size(runs=40, small=6, pause=(0.5, 1.5), seed=random.randrange(2**32))
    print(f"seed {size.seed}")

    outcome = await run(name, size)

    assert outcome.broken == 0, (str(outcome), *outcome.details)


def test_a_scenario_that_does_not_exist_is_refused_with_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fire", "--only", "flood"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip

    assert done.returncode == 2
    assert (
        "no scenario's name contains 'flood'; there are: workers killed at random, sqlite;"
        in done.stderr
    )
