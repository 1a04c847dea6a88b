import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast_lint.cli import lint

FLOW = """\
import time
from holdfast import workflow
from helper import pause

@workflow.define
async def flow():
    time.sleep(1)
    pause()
"""
HELPER = "import time\n\ndef pause():\n    time.sleep(2)\n    time.sleep(  2)\n"
BASELINE = Path("known.json")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flow.py").write_text(FLOW)
    Path("helper.py").write_text(HELPER)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(lint, [*(arguments or (".",)), "--baseline", str(BASELINE)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def create() -> None:
    assert run(".", "--update-baseline").exit_code == 0


def entries() -> list[tuple[str, str, str, int]]:
    found = json.loads(BASELINE.read_text())["findings"]
    return [(item["path"], item["symbol"], item["snippet"], item["count"]) for item in found]


ALL = [
    ("flow.py", "flow", "time.sleep(1)", 1),
    ("helper.py", "pause", "time.sleep( 2)", 1),
    ("helper.py", "pause", "time.sleep(2)", 1),
]


def test_the_first_update_learns_all_present_findings_and_a_check_is_then_clean() -> None:
    create()

    result = run()

    assert entries() == ALL
    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 findings; 3 in known.json" in result.stderr


def test_a_finding_is_known_although_the_lines_around_it_move() -> None:
    create()
    before = BASELINE.read_bytes()
    Path("flow.py").write_text(FLOW.replace("    time", "    x = 1\n\n    time"))

    assert run().exit_code == 0
    assert run(".", "--update-baseline").exit_code == 0
    assert BASELINE.read_bytes() == before


def test_a_second_finding_that_looks_the_same_is_new() -> None:
    create()
    Path("flow.py").write_text(FLOW + "    time.sleep(1)\n")

    result = run()

    assert result.stdout.count("HF305") == 1
    assert result.exit_code == 1


def test_what_no_longer_occurs_is_told_and_an_update_forgets_it() -> None:
    create()
    Path("helper.py").write_text(HELPER.replace("    time.sleep(2)\n", ""))

    told = run()

    assert told.exit_code == 0
    assert "1 finding of the baseline known.json no longer occur" in told.stderr
    assert "gone: helper.py: HF305 pause: time.sleep(2)" in told.stderr
    assert entries() == ALL

    assert "2 findings (0 added, 1 removed)" in run(".", "--update-baseline").stderr
    assert entries() == ALL[:2]
    assert "gone" not in run().stderr


def test_an_update_never_learns_but_adding_does() -> None:
    create()
    Path("flow.py").write_text(FLOW + "    time.sleep(3)\n")

    assert run(".", "--update-baseline").exit_code == 1
    assert entries() == ALL

    assert run(".", "--add-baseline").exit_code == 0
    assert ("flow.py", "flow", "time.sleep(3)", 1) in entries()


@pytest.mark.parametrize(
    "arguments", [["helper.py"], [".", "--select", "HF1"], [".", "--exclude", "helper.py"]]
)
def test_what_was_not_looked_for_is_not_forgotten(arguments: list[str]) -> None:
    create()

    assert "gone" not in run(*arguments).stderr
    run(*arguments, "--update-baseline")

    assert entries() == ALL


def test_what_cannot_be_read_is_not_forgotten() -> None:
    create()
    Path("helper.py").write_text("def f(:\n")

    assert run(".", "--update-baseline").exit_code == 2
    assert [path for path, *_ in entries()] == ["flow.py", "helper.py", "helper.py"]


def test_what_a_deleted_file_held_is_forgotten() -> None:
    create()
    Path("helper.py").unlink()

    run(".", "--update-baseline")

    assert entries() == ALL[:1]


def test_a_baseline_means_the_same_from_another_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")

    result = CliRunner().invoke(lint, ["..", "--baseline", "../known.json"])

    assert result.exit_code == 0


def test_the_table_names_the_baseline() -> None:
    create()
    Path("pyproject.toml").write_text("[tool.holdfast.lint]\nbaseline = 'known.json'\n")

    assert CliRunner().invoke(lint, ["."]).exit_code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "known.json does not exist; --update-baseline writes one"),
        ("{", "known.json cannot be read"),
        ("{}", "known.json was not written by `holdfast lint`: KeyError('schema')"),
        ('{"schema": 9}', "was not written by"),
        ('{"schema": 1, "findings": [{"path": 1}]}', "was not written by"),
        ("[]", "was not written by"),
    ],
)
def test_a_baseline_that_is_none_is_a_sentence(text: str | None, expected: str) -> None:
    if text is not None:
        BASELINE.write_text(text)

    result = run()

    assert expected in result.stderr
    assert result.exit_code == 2


def test_an_update_without_a_baseline_is_a_sentence() -> None:
    result = CliRunner().invoke(lint, [".", "--update-baseline"])

    assert "there is no baseline to write: name one with --baseline FILE" in result.stderr
    assert result.exit_code == 2


def test_a_baseline_that_cannot_be_written_is_a_sentence() -> None:
    result = CliRunner().invoke(lint, [".", "--baseline", "no/known.json", "--update-baseline"])

    assert "no/known.json cannot be written: No such file or directory" in result.stderr
    assert result.exit_code == 2


def test_two_tables_with_different_baselines_need_a_word_on_the_command_line() -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "flow.py").write_text("x = 1\n")
        Path(folder, "pyproject.toml").write_text("[tool.holdfast.lint]\nbaseline = 'k.json'\n")

    result = CliRunner().invoke(lint, ["one", "two"])

    assert "these paths have several baselines, so say which with --baseline" in result.stderr
    assert result.exit_code == 2
