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
    page, _, figure = ran.stdout.rstrip().rpartition("\n")
    assert page.strip() == DOCUMENT.read_text().strip(), "run: poe constructs --write"
    assert figure == (
        f"{sum(map(len, rows().values()))} constructs, 0 mistakes; tests collected and not run (--run runs them)"
    )


MARKED = """
import pytest

@pytest.mark.construct("asyncio.gather")
@pytest.mark.parametrize("number", [1, 2])
def test_good(number): pass

@pytest.mark.construct("asyncio.wait", "asyncio.gather", case=True)
@pytest.mark.parametrize("number", [1, 2])
def test_half(number): assert number == 1

@pytest.fixture
def broken(): raise OSError
@pytest.mark.construct("asyncio.shield")
def test_never_begun(broken): pass

@pytest.mark.construct("files")
def test_fine(): pass

def test_of_nothing(): assert False
"""
RUN = """
from tests.constructs.table import proofs, verdicts
known = {"asyncio": ["asyncio.gather", "asyncio.wait", "asyncio.shield", "asyncio.sleep", "files"]}
print("\\n".join(verdicts(proofs("FILE", "-c", "/dev/null", run=True), known)))
"""


def test_constructs_pass_when_all_their_tests_do(tmp_path: Path) -> None:
    for name in (
        "one",
        "other",
    ):  # a conftest of one folder is set aside for the tests of the other
        (tmp_path / name).mkdir()
        (tmp_path / name / "conftest.py").touch()
    (tmp_path / "one" / "test_marked.py").write_text(MARKED)
    (tmp_path / "other" / "test_more.py").write_text("def test_more(): pass")

    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN.replace("FILE", str(tmp_path))], cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    lines = [" ".join(line.split()) for line in ran.stdout.splitlines()]
    assert lines[0] == "FAIL asyncio.gather: 3 tests"
    assert lines[1].endswith("::test_half[2]")
    assert lines[2] == "FAIL asyncio.wait: 2 tests"
    assert lines[4] == "FAIL asyncio.shield: 1 tests"
    assert lines[6:] == ["FAIL asyncio.sleep: 0 tests", "no test", "pass files: 1 tests"]


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
