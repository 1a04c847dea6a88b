import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast_lint.cli import lint
from holdfast_lint.dialectbook import load_dialects

BAD = """\
import time
from holdfast import workflow

@workflow.define
async def flow():
    time.sleep(1)
    print("é→")
"""
CLEAN = "from holdfast import workflow\n\n@workflow.define\nasync def flow(): ...\n"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(lint, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_finding_shows_its_line_its_path_and_what_to_do() -> None:
    Path("flow.py").write_text(BAD)

    result = run("flow.py", "--select", "HF305")

    assert result.stdout == (
        "flow.py:6:5: HF305 `time.sleep()` holds the worker and waits again in every replay\n"
        "  |\n"
        "5 | async def flow():\n"
        "6 |     time.sleep(1)\n"
        "  |     ^^^^^^^^^^^^^\n"
        '7 |     print("é→")\n'
        "  |\n"
        "   = path: workflow flow (flow.py:5)\n"
        "   = help: use `await workflow.sleep(...)` or `await asyncio.sleep(...)`, "
        "a durable timer that holds no worker\n"
        "   = fix: wait with `workflow.sleep()`\n\n"
    )
    assert result.stderr == (
        "checked 1 file, 1 workflow; 2 of 2 calls resolved (100%); 1 finding\nfixable: 1 with --fix\n"
    )
    assert result.exit_code == 1


def test_a_clean_project_exits_with_zero_and_prints_nothing_but_the_summary() -> None:
    Path("flow.py").write_text(CLEAN)

    result = run(".")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "checked 1 file, 1 workflow; 0 findings\n"


def test_a_project_without_workflows_is_told_so() -> None:
    Path("script.py").write_text("import time\ntime.sleep(1)\n")

    result = run(".")

    assert result.exit_code == 0
    assert "no workflow was found: nothing here is one of " in result.stderr
    for dialect in load_dialects().members.values():
        assert f"{dialect.name} (`{dialect.entry}`)" in result.stderr


def test_json_is_one_document_with_chains_and_a_summary() -> None:
    Path("flow.py").write_text(BAD)
    Path("broken.py").write_text("def f(:\n")

    result = run(".", "--format", "json")
    document = json.loads(result.stdout)

    assert document["schema"] == 1
    assert [item["code"] for item in document["findings"]] == ["HF305", "HF601"]
    assert document["findings"][0]["chain"] == [
        {"function": "flow", "path": "flow.py", "line": 5, "call_line": 6}
    ]
    assert document["problems"][0]["path"] == "broken.py"
    assert document["summary"]["findings"] == 2
    assert result.exit_code == 2


def test_statistics_count_per_rule() -> None:
    Path("flow.py").write_text(BAD + "    print(2)\n")

    result = run(".", "--statistics")

    assert result.stdout == (
        "    2  HF601  print  (2 fixable with --fix --unsafe-fixes)\n"
        "    1  HF305  blocking-sleep  (1 fixable with --fix)\n"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--select", "HF6"], ["HF601"]),
        (["--ignore", "HF601"], ["HF305"]),
        (["--select", "hf3, HF6", "--ignore", "HF305"], ["HF601"]),
    ],
)
def test_codes_are_selected_and_ignored_by_their_beginning(
    options: list[str], expected: list[str]
) -> None:
    Path("flow.py").write_text(BAD)

    result = run(".", "--format", "json", *options)

    assert [item["code"] for item in json.loads(result.stdout)["findings"]] == expected


def test_suppressions_of_codes_that_were_not_looked_for_are_left_alone() -> None:
    Path("flow.py").write_text(BAD.replace("(1)", "(1)  # holdfast: ignore[HF305] why"))

    assert run(".", "--select", "HF6,HF9").stdout.count("HF990") == 0


def test_an_unknown_code_is_a_usage_error() -> None:
    Path("flow.py").write_text(CLEAN)

    result = run(".", "--select", "HF77")

    assert result.exit_code == 2
    assert "there is no rule 'HF77'" in result.stderr


def test_no_path_is_a_usage_error() -> None:
    assert run().exit_code == 2


def test_information_does_not_fail_the_check() -> None:
    Path("flow.py").write_text(CLEAN.replace("...", "await steps['next']()"))

    result = run(".")

    assert "HF999 (info)" in result.stdout
    assert "0 findings; 1 for information" in result.stderr
    assert result.exit_code == 0


def test_output_that_the_terminal_cannot_encode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("flow.py").write_text(BAD)

    result = CliRunner(charset="ascii").invoke(lint, ["."])

    assert result.exit_code == 1
    assert 'print("\\xe9->")' in result.stdout


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    Path("flow.py").write_text(BAD.replace("é→", "\x1b[31m"))

    assert "\x1b" not in run(".").stdout


def test_marks_stand_below_wide_characters_and_tabs() -> None:
    Path("flow.py").write_text(
        BAD.replace("    time.sleep(1)", '\tx = "日本"; time.sleep(1)').replace("    ", "\t")
    )

    lines = run(".", "--select", "HF305").stdout.splitlines()

    assert lines[3] == '6 |     x = "日本"; time.sleep(1)'
    assert lines[4] == "  |                 ^^^^^^^^^^^^^"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, no_color: str, *, coloured: bool
) -> None:
    Path("flow.py").write_text(BAD)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)

    lint.main(["."], standalone_mode=False)

    assert ("\x1b[31mHF305" in terminal.getvalue()) == coloured
    assert "HF305" in terminal.getvalue()


COMMAND = [sys.executable, "-m", "holdfast", "lint", "."]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("options", [[], ["--format", "json"], ["--statistics"]])
def test_a_full_disk_is_told_in_one_sentence(options: list[str]) -> None:
    Path("flow.py").write_text(BAD)

    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert ended.stderr == (
        "holdfast lint: the findings cannot be written: No space left on device\n"
    )
    assert ended.returncode == 2


def test_a_reader_that_went_away_ends_the_check_quietly() -> None:
    Path("flow.py").write_text(BAD)
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(COMMAND, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)

    assert ended.stderr == ""
    assert ended.returncode == 141
