"""Every construct and every name of the API has a test that proves it, and the reference says which."""

import subprocess
import sys
from pathlib import Path

from tests.constructs.rows import rows
from tests.constructs.table import DOCUMENT, mistakes

ROOT = Path(__file__).parents[2]


def test_the_reference_is_what_the_tests_prove() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.constructs.table"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == DOCUMENT.read_text().strip(), "run: poe constructs --write"


def test_a_construct_without_a_test_and_a_marker_without_a_construct_are_named() -> None:
    known = {"asyncio": ["asyncio.gather", "asyncio.wait"]}

    assert mistakes({"asyncio.gather": ["t.py::a"], "asyncio.gahter": ["t.py::b"]}, known) == [
        'asyncio.wait: no test proves it. Mark one: @pytest.mark.construct("asyncio.wait")',
        "asyncio.gahter: marked by t.py::b, and no construct. The names are in tests/constructs/rows.py",
    ]


def test_the_rows_follow_the_api() -> None:
    found = rows()

    assert "workflow.wait_until" in found["workflow"]
    assert "activity.heartbeat" in found["activity"]
    assert "Client.terminate" in found["Client"]
    assert "activity.define(schedule_to_close=)" in found["activity"]
