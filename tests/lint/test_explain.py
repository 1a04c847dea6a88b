import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast_lint.cli import lint
from holdfast_lint.rulebook import load_rules


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lint, arguments)


@pytest.mark.parametrize("name", ["HF101", "hf101", "wall-clock"])
def test_a_rule_is_explained_by_its_code_or_its_name(name: str) -> None:
    shown = run("rule", name).stdout

    assert shown.startswith("HF101 wall-clock (error")
    assert "A replay runs the same code hours or months later." in shown
    assert "\nWrong\n-----\n\n    from datetime import datetime\n" in shown
    assert "```" not in shown


def test_several_rules_are_explained_in_the_order_of_their_codes() -> None:
    shown = run("rule", "print", "HF101").stdout

    assert shown.index("HF101 wall-clock") < shown.index("HF601 print")


def test_all_rules_are_explained_to_programs() -> None:
    document = json.loads(run("rule", "--all", "--format", "json").stdout)

    assert [item["code"] for item in document["rules"]] == [rule.code for rule in load_rules()]
    assert document["rules"][0] | {"page": "", "fix": None} == {
        "code": "HF101",
        "name": "wall-clock",
        "severity": "error",
        "fix": None,
        "default": "on",
        "what": load_rules()[0].page.what,
        "why": load_rules()[0].page.why,
        "page": "",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["HF1O1"], "there is no rule 'HF1O1'; did you mean 'HF"),
        (["wall-clok"], "there is no rule 'wall-clok'; did you mean 'wall-clock'?"),
        (["xyz"], "there is no rule 'xyz'; the codes are HF101, "),
        ([], "name the rules to explain, such as HF101, or say --all"),
        (["--all", "HF101"], "name the rules to explain"),
    ],
)
def test_a_rule_that_is_not_there_is_answered_with_the_nearest(
    arguments: list[str], expected: str
) -> None:
    result = run("rule", *arguments)

    assert expected in result.stderr
    assert result.exit_code == 2


def test_the_page_of_a_rule_says_when_it_is_off_by_default_and_how_to_switch_it_on() -> None:
    shown = " ".join(run("rule", "HF901").stdout.split())

    assert "By default this rule is off: select it" in shown
    assert "as in `--extend-select HF901`" in shown
    assert "By default" not in run("rule", "HF101").stdout
    assert any(
        line.startswith("HF901") and line.endswith("off")
        for line in run("rules").stdout.splitlines()
    )


def test_rules_are_listed_one_a_line() -> None:
    lines = run("rules").stdout.splitlines()

    assert len(lines) == len(load_rules())
    assert lines[0].split()[:3] == ["HF101", "wall-clock", "error"]


def test_help_shows_the_options_of_checking_and_the_commands() -> None:
    shown = run("--help").stdout

    assert "--select" in shown
    assert "Explain rules" in shown


def test_a_file_that_is_called_like_a_command_is_checked_when_written_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rule").mkdir()
    Path("rule/flow.py").write_text("x = 1\n")

    assert "checked 1 file" in run("./rule").stderr
    assert "checked 1 file" in run("check", "rule").stderr
