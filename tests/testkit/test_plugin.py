"""The pytest plugin: recorded histories are tests, an empty corpus is an error, a difference is a readable failure."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def fetch() -> str: return "text"
@activity.define
async def check() -> str: return "fine"

@workflow.define
async def report(days: int) -> str:
    await asyncio.sleep(days)
    return await fetch()
"""
RECORD = """
from pathlib import Path
import reports
from holdfast.history import dump_history
from holdfast_testkit import Sim

with Sim() as sim:
    sim.real(reports.fetch)
    run = sim.start(reports.report, 3, id="r1")
    sim.result(run)
    Path("holdfast_histories").mkdir()
    Path("holdfast_histories/report.hist.jsonl").write_text(dump_history(sim.history(run)))
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "reports.py").write_text(CODE)
    recorded = run(folder, "-c", RECORD)
    assert recorded.returncode == 0, recorded.stderr
    return folder


def test_a_history_is_collected_and_passes_on_unchanged_code(project: Path) -> None:
    result = pytest_in(project, "-vv")

    assert result.returncode == 0, result.stdout
    assert "holdfast_histories/report.hist.jsonl::replays PASSED" in result.stdout


def test_an_edit_fails_the_history_with_the_report_and_no_traceback(
    project: Path, tmp_path: Path
) -> None:
    edited = CODE.replace("    return await fetch()", "    await check()\n    return await fetch()")
    (tmp_path / "reports.py").write_text(edited)
    (tmp_path / "holdfast_histories").mkdir()
    history = project / "holdfast_histories" / "report.hist.jsonl"
    (tmp_path / "holdfast_histories" / history.name).write_text(history.read_text())

    result = pytest_in(tmp_path)

    assert result.returncode == 1
    assert "ND01 added command   report run r1   turn 2" in result.stdout
    assert "reports.py:13 in report" in result.stdout
    assert "Traceback" not in result.stdout


def test_drift_is_an_error_unless_it_is_let_through(project: Path, tmp_path: Path) -> None:
    (tmp_path / "reports.py").write_text(
        CODE.replace("asyncio.sleep(days)", "asyncio.sleep(days * 2)")
    )
    (tmp_path / "holdfast_histories").mkdir()
    history = project / "holdfast_histories" / "report.hist.jsonl"
    (tmp_path / "holdfast_histories" / history.name).write_text(history.read_text())

    strict = pytest_in(tmp_path)
    warned = pytest_in(tmp_path, "--replay-drift=warn")
    ignored = pytest_in(tmp_path, "--replay-drift=ignore")

    assert strict.returncode == 1
    assert "DR10 turn 1 #1  ms: recorded 3000, code says 6000" in strict.stdout
    assert (warned.returncode, "1 warning" in warned.stdout) == (0, True)
    assert (ignored.returncode, "warning" in ignored.stdout) == (0, False)


def test_an_empty_corpus_is_an_error_and_not_a_green_run(tmp_path: Path) -> None:
    (tmp_path / "holdfast_histories").mkdir()

    result = pytest_in(tmp_path)

    assert result.returncode != 0
    assert "holds no *.hist.jsonl file, so nothing would be replayed" in result.stdout


def test_a_history_of_unknown_code_names_what_is_missing(project: Path, tmp_path: Path) -> None:
    (tmp_path / "reports.py").write_text(CODE.replace("def report(", "def summary("))
    (tmp_path / "holdfast_histories").mkdir()
    history = project / "holdfast_histories" / "report.hist.jsonl"
    (tmp_path / "holdfast_histories" / history.name).write_text(history.read_text())

    result = pytest_in(tmp_path)

    assert result.returncode == 1
    assert (
        "reports:report, and that is no workflow now: the workflows there are reports:summary."
        in result.stdout
    )


def test_a_start_of_pytest_does_not_import_holdfast(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\ndef test_nothing(): assert not any(m.startswith('holdfast') for m in sys.modules)\n"
    )

    result = pytest_in(tmp_path)

    assert result.returncode == 0, result.stdout
