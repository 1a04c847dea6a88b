"""Schedules from the command line: every verb, and every wrong word answered by a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from holdfast.cli import main

FLOW = """
from holdfast import workflow


@workflow.define
async def greet(name: str, times: int = 1) -> str:
    return name * times
"""

Shell = Callable[..., Result]


@pytest.fixture
def shell(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Shell:
    module("greeting", FLOW)

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["schedule", *words, "--db", str(tmp_path / "s.db")])
        assert result.exit_code == code, result.output
        return result

    return run


def create(shell: Shell, *options: str, code: int = 0, name: str = "daily") -> Result:
    return shell("create", name, "greeting:greet", '"ann"', *options, code=code)


def described(shell: Shell, name: str = "daily") -> dict[str, object]:
    tree: dict[str, object] = json.loads(shell("describe", name, "--json").stdout)
    return tree


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cron", "0 9 * * MON-FRI", "--zone", "Europe/Berlin"], "cron 0 9 * * MON-FRI in Europe/Berlin"),
        (["--every", "1h30m", "--offset", "5m"], "every 1 h 30 min, offset 5 min"),
        (["--every", "1.5s"], "every 1.5 s"),
        (["--weekdays", "mon,FRI", "--hours", "9-11", "--minutes", "30"], "calendar weekdays mon,fri, hours 9,10,11, minutes 30 in UTC"),
        (["--days", "-1", "--months", "1,7"], "calendar months 1,7, days -1, hours 0, minutes 0 in UTC"),
    ],
)  # fmt: skip
def test_a_schedule_is_created_and_says_when_it_fires(
    shell: Shell, options: list[str], words: str
) -> None:
    made = create(shell, *options)

    assert made.stdout.startswith("daily: next at 20")
    assert words in shell("list").stdout
    assert words in shell("describe", "daily").stdout


def test_the_life_of_a_schedule(shell: Shell) -> None:
    create(
        shell, "--every", "1d", "--overlap", "buffer_one", "--catch-up", "2h", "--jitter", "10m", "--max-runs", "9",
        "--end", "2999-01-01T00:00Z", "--pause-on-failure", "--attribute", "customer=acme", "--timeout", "1h", "--priority", "2",
    )  # fmt: skip

    paused = shell("pause", "daily", "--by", "ann", "--note", "no mail").stdout
    shown = shell("describe", "daily").stdout
    resumed = shell("resume", "daily").stdout
    triggered = shell("trigger", "daily").stdout
    filled = shell(
        "backfill", "daily", "--from", "2026-01-01T00:00Z", "--to", "2026-01-02T01:00+01:00", "--overlap", "allow_all",
    ).stdout.splitlines()  # fmt: skip
    changed = shell("update", "daily", "--cron", "@hourly", "--args", '["bob", 2]').stdout
    detail = described(shell)
    deleted = shell("delete", "daily").stdout

    assert paused == "daily: paused by ann\n"
    assert "paused: paused by ann: no mail" in shown
    assert "0 of 9 runs started" in shown
    assert "jitter up to 10 min" in shown
    assert resumed == "daily: resumed\n"
    assert "(trigger): started daily-20" in triggered
    assert [line.split(" (")[0] for line in filled[:2]] == ["2026-01-01 00:00:00+00:00", "2026-01-02 00:00:00+00:00"]  # fmt: skip
    assert changed.startswith("daily: next at 20")
    assert (detail["args"], detail["attributes"]) == (["bob", 2], {"customer": "acme"})
    assert (detail["catch_up"], detail["max_runs"]) == (7200.0, 9)
    assert deleted == "daily: deleted\n"
    assert shell("list").stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "When does it fire? Give --cron, --every"),
        (["--cron", "61 * * * *"], "'61' cannot be read as the minute (field 1)"),
        (["--cron", "@daily", "--zone", "Berlin"], "no such time zone"),
        (["--every", "soon"], "'soon' is no duration; expected for example 90s, 15m"),
        (["--every", ""], "'' is no duration"),
        (["--every", "99999999999d"], "'99999999999d' is longer than any duration can be"),
        (["--every", "0s"], "expected 1 s to 100 years"),
        (["--every", "1h", "--cron", "@daily"], "Give one of --cron, --every"),
        (["--every", "1h", "--zone", "UTC"], "--zone goes with --cron and the calendar"),
        (["--cron", "@daily", "--offset", "5m"], "--offset goes with --every"),
        (["--hours", "nine"], "--hours nine: 'nine' is neither a number nor a range"),
        (["--hours", "9-8"], "the range '9-8' ends before it begins"),
        (["--hours", "24"], "Calendar(hours=…): 24 is not one of 0 to 23"),
        (["--weekdays", "mo"], "'mo' is not one of mon, tue"),
        (["--every", "1h", "--catch-up", "5s"], "expected a timedelta of 0:00:10 or more"),
        (["--every", "1h", "--start", "2026-01-01"], "'2026-01-01' is no instant; expected a date and a time with an offset"),
        (["--every", "1h", "--end", "2020-01-01T00:00Z"], "has no tick from now on"),
        (["--every", "1h", "--max-runs", "0"], "expected a whole number, 1 or more"),
        (["--every", "1h", "--attribute", "acme"], "--attribute acme: expected KEY=VALUE"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_answered_by_a_sentence(
    shell: Shell, options: list[str], said: str
) -> None:
    assert said in create(shell, *options, code=2).stderr


def test_what_cannot_be_started_is_refused_before_a_database_is_made(
    shell: Shell, tmp_path: Path
) -> None:
    for words in (
        ["greeting:greet"],
        ["greeting:greet", "1"],
        ["nowhere:flow"],
        ["greeting:greet", "ann"],
    ):
        refused = shell("create", "x", *words, "--every", "1h", code=2)
        assert refused.stderr.startswith("holdfast: ")

    assert not (tmp_path / "s.db").exists()


def test_a_schedule_that_is_not_there_is_told_from_wrong_usage(shell: Shell) -> None:
    create(shell, "--every", "1h")

    for words in (["describe"], ["trigger"], ["resume"], ["delete"], ["pause", "--by", "ann"], ["update", "--max-runs", "3"]):  # fmt: skip
        assert "There is no schedule 'other'" in shell(words[0], "other", *words[1:], code=4).stderr


def test_arguments_of_an_update_are_checked(shell: Shell) -> None:
    create(shell, "--every", "1h")

    for text, said in (("x", "--args is not JSON"), ('"x"', "expected a JSON list"), ('["a", "b"]', "'times'"), ("[]", "cannot be called so")):  # fmt: skip
        assert said in shell("update", "daily", "--args", text, code=2).stderr
    assert "nothing to change was given" in shell("update", "daily", code=2).stderr
    assert described(shell)["args"] == ["ann", 1]
