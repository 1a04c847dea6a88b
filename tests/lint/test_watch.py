import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast_lint.cli import lint
from holdfast_lint.selection import Options
from holdfast_lint.watching import Stamps, changes, stamps

NOON = 10**18
FLOW = "import time\nfrom holdfast import workflow\nfrom helper import wait\n\n@workflow.define\nasync def flow(): wait()\n"
COMMAND = [sys.executable, "-m", "holdfast", "lint", "flow.py", "--watch", "--format", "concise"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flow.py").write_text(FLOW)
    Path("helper.py").write_text("def wait(): ...\n")


@pytest.fixture
def watcher() -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "NO_COLOR": "1"}
    )  # fmt: skip
    yield started
    if started.poll() is None:
        started.kill()
    started.communicate()


def next_check(watcher: subprocess.Popen[str]) -> list[str]:
    assert watcher.stdout is not None
    lines: list[str] = []
    for line in watcher.stdout:
        if line.startswith("watching"):
            return lines
        lines.append(line)
    raise AssertionError(f"the watcher ended: {lines}")


def test_watching_checks_again_when_a_file_changes_and_ends_quietly(
    watcher: subprocess.Popen[str],
) -> None:
    assert "0 findings" in next_check(watcher)[-1]

    Path("helper.py").write_text("import time\n\ndef wait(): time.sleep(1)\n")
    assert "helper.py:3:13: HF305" in next_check(watcher)[0]

    Path("pyproject.toml").write_text("[tool.holdfast.lint]\nselect = ['HF0']\n")
    assert "there is no rule 'HF0'" in next_check(watcher)[0]

    watcher.send_signal(signal.SIGINT)
    rest, _ = watcher.communicate(timeout=60)

    assert rest.strip() in {"", "^C"}
    assert watcher.returncode == 0


def test_a_change_is_a_file_that_is_new_gone_or_another() -> None:
    def look() -> object:
        return stamps([Path()], Options(), [])

    first = look()
    Path("new.py").touch()
    second = look()
    Path("new.py").write_text("x = 1\n")
    third = look()
    Path("new.py").unlink()

    assert first != second != third
    assert look() == first


def test_nothing_is_checked_again_for_what_the_check_came_to_read_or_without_a_change() -> None:
    one, other = Path("flow.py"), Path("helper.py")
    looks: Iterator[Stamps] = iter(
        [
            {one: (1, 1)},
            {one: (1, 1), other: (1, 1)},  # the check has read the helper
            {one: (1, 1), other: (1, 1)},
            {one: (1, 1), other: (2, 1)},  # the helper is another
            {one: (1, 1), other: (2, 1)},
        ]
    )
    asked = changes(lambda: next(looks), pause=0, clock=lambda: NOON)

    next(asked)
    next(asked)

    assert list(looks) == []


def test_a_file_that_was_written_while_the_check_came_to_read_it_is_checked_again() -> None:
    one, other = Path("flow.py"), Path("helper.py")
    looks: Iterator[Stamps] = iter(
        [{one: (1, 1)}, {one: (1, 1), other: (NOON, 1)}, {one: (1, 1), other: (NOON, 1)}]
    )
    asked = changes(lambda: next(looks), pause=0, clock=lambda: NOON)

    next(asked)
    next(asked)

    assert list(looks) == []


def test_a_change_during_a_check_is_checked() -> None:
    looks: Iterator[Stamps] = iter([{Path("a"): (1, 1)}, *[{Path("a"): (2, 1)}] * 3])
    asked = changes(lambda: next(looks), pause=0, clock=lambda: NOON)

    next(asked)
    next(asked)

    assert list(looks) == []


@pytest.mark.parametrize("option", ["--fix", "--diff", "--output-file=x", "--update-baseline"])
def test_watching_only_shows(option: str) -> None:
    result = CliRunner().invoke(lint, [".", "--watch", option])

    assert "--watch only shows" in result.stderr
    assert result.exit_code == 2
