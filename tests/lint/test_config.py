import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast_lint.cli import lint

BAD = "import time\nfrom holdfast import workflow\n\n@workflow.define\nasync def flow(): time.sleep(1)\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("app/flow.py", "examples/good/flow.py", "examples/mistakes/deep/flow.py"):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text(BAD)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lint, arguments)


def configure(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.holdfast.lint]\n{text}\n")


def checked(result: Result) -> list[str]:
    return [line.partition(":")[0] for line in result.stdout.splitlines() if "HF305" in line]


@pytest.mark.parametrize(
    "exclude", ["examples/mistakes", "examples/mistakes/", "*/mistakes", "examples/mis*"]
)
def test_what_is_excluded_is_skipped_below_a_named_folder(exclude: str) -> None:
    configure(f"exclude = [{exclude!r}]")

    assert checked(run(".")) == ["app/flow.py", "examples/good/flow.py"]
    assert checked(run("examples")) == ["examples/good/flow.py"]


@pytest.mark.parametrize(
    "named", ["examples/mistakes", "examples/mistakes/deep", "examples/mistakes/deep/flow.py"]
)
def test_what_is_excluded_is_checked_when_named(named: str) -> None:
    configure('exclude = ["examples/mistakes"]')

    assert checked(run(named)) == ["examples/mistakes/deep/flow.py"]


def test_a_pyproject_without_the_table_is_passed_over() -> None:
    configure('exclude = ["examples/mistakes"]')
    Path("examples/pyproject.toml").write_text("[project]\nname = 'x'\n")

    assert checked(run("examples")) == ["examples/good/flow.py"]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("excludes = []", "has an unknown key 'excludes'; did you mean 'exclude'?"),
        ("zzz = []", "has an unknown key 'zzz'; known: baseline, effects, exclude,"),
        ("exclude = 'examples'", "exclude must be a list of strings"),
        ("exclude = [1]", "exclude must be a list of strings"),
        ("exclude = [", "cannot be read"),
        (
            "select = 'HF1'",
            "select must be a list of strings such as ['HF1', 'HF602', 'wall-clock']",
        ),
        ("select = ['HF306']", "select: there is no rule 'HF306'; did you mean 'HF305'?"),
        (
            "ignore = ['wall-clok']",
            "ignore: there is no rule 'wall-clok'; did you mean 'wall-clock'?",
        ),
        ("extend-select = ['HF0']", "extend-select: there is no rule 'HF0'"),
        (
            "per-file-ignores = ['HF1']",
            "per-file-ignores must be a table such as { 'tests/**' = ['HF6'] }",
        ),
        ("per-file-ignores = { x = 'HF1' }", "per-file-ignores: 'x' must be a list of strings"),
        ("per-file-ignores = { x = ['HF0'] }", "per-file-ignores: 'x': there is no rule 'HF0'"),
        ("severity = ['HF1']", "severity must be a table such as { HF602 = 'info' }"),
        ("severity = { HF1 = 1 }", "severity: 'HF1' must be a string"),
        ("severity = { HF0 = 'info' }", "severity: there is no rule 'HF0'"),
        (
            "severity = { HF1 = 'grave' }",
            "severity: 'HF1' must be one of error, info, warning, not 'grave'",
        ),
        ("effects = []", "effects must be a table such as"),
        (
            "effects = { now = 'HF0' }",
            "effects: 'now' must be 'pure' or the code of a rule: there is no rule 'HF0'",
        ),
        ("effects = { now = 'HF1' }", "effects: 'now' must be 'pure' or the code of a rule"),
        (
            "effects = { 'a-b' = 'pure' }",
            "effects: 'a-b' must be a full name such as 'app.clock.now'",
        ),
        ("effects = { now = 'HF990' }", "effects: 'now': HF990 is not about calling a function"),
        ("baseline = 1", "baseline must be a path such as 'lint-baseline.json'"),
    ],
)
@pytest.mark.parametrize("path", [".", "app/flow.py"])
def test_a_table_that_makes_no_sense_is_a_sentence(table: str, expected: str, path: str) -> None:
    configure(table)

    result = run(path)

    assert expected in result.stderr
    assert "pyproject.toml" in result.stderr
    assert result.exit_code == 2


MIXED = """\
import time
from holdfast import workflow

@workflow.define
async def flow():
    time.sleep(1)
    print(time.time())
"""


def found(*arguments: str, text: str = MIXED, at: str = "app/flow.py") -> list[str]:
    Path(at).parent.mkdir(parents=True, exist_ok=True)
    Path(at).write_text(text)
    result = run(at, "--format", "json", *arguments)
    assert not result.stderr.startswith("holdfast lint:"), result.stderr
    return sorted(item["code"] for item in json.loads(result.stdout)["findings"])


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", ["HF101", "HF305", "HF601"]),
        ("select = ['HF3', 'wall-clock']", ["HF101", "HF305"]),
        ("select = ['HF3']\nextend-select = ['HF6']", ["HF305", "HF601"]),
        ("select = ['ALL']\nignore = ['HF1', 'print']", ["HF305"]),
        ("select = ['HF101']\nignore = ['HF1']", ["HF101"]),
        ("select = ['HF1', 'HF3']\nignore = ['HF101']", ["HF305"]),
        ("[tool.holdfast.lint.per-file-ignores]\n'app/*' = ['HF1']", ["HF305", "HF601"]),
        ("[tool.holdfast.lint.per-file-ignores]\n'app' = ['HF1']", ["HF305", "HF601"]),
        ("[tool.holdfast.lint.per-file-ignores]\n'flow.py' = ['ALL']", []),
        (
            "[tool.holdfast.lint.per-file-ignores]\n'tests/**' = ['ALL']",
            ["HF101", "HF305", "HF601"],
        ),
    ],
)
def test_a_table_selects_rules_by_code_beginning_or_name_and_the_more_exact_word_wins(
    table: str, expected: list[str]
) -> None:
    configure(table)

    assert found() == expected


def test_the_command_line_takes_the_place_of_the_table() -> None:
    configure("select = ['HF3']\nextend-select = ['HF1']\nper-file-ignores = { 'app/*' = ['HF3'] }")

    assert found() == ["HF101"]
    assert found("--select", "print") == ["HF601"]
    assert found("--extend-select", "HF6") == ["HF101", "HF601"]
    assert found("--ignore", "HF101") == []
    assert found("--per-file-ignores", "app/*:HF1,print") == ["HF305"]


WAITING = """\
from holdfast import workflow
from temporalio import workflow as temporal

@workflow.define
async def ask() -> bool:
    return await workflow.approval("send", ask="Send?", to=["us"], answer=bool)

@temporal.defn
class Ask:
    approved = False

    @temporal.run
    async def run(self) -> None:
        await temporal.wait_condition(lambda: self.approved)
"""


@pytest.mark.parametrize(
    ("table", "arguments", "expected"),
    [
        ("", [], 0),
        ("", ["--select", "ALL"], 2),
        ("", ["--select", "endless-human-wait"], 2),
        ("", ["--select", "HF1"], 0),
        ("", ["--extend-select", "HF901"], 2),
        ("", ["--ignore", "HF9"], 0),
        ("", ["--extend-select", "HF901", "--ignore", "HF9"], 2),
        ("select = ['ALL']", [], 2),
        ("select = ['HF9']", [], 2),
        ("select = ['HF1']", [], 0),
        ("extend-select = ['HF901']", [], 2),
        ("[tool.holdfast.lint.per-file-ignores]\n'app/*' = ['HF901']", [], 0),
    ],
)
def test_a_rule_that_is_off_by_default_is_on_where_it_is_selected(
    table: str, arguments: list[str], expected: int
) -> None:
    configure(table)

    assert found(*arguments, text=WAITING).count("HF901") == expected


def test_a_suppression_of_a_rule_that_is_off_is_not_called_unused() -> None:
    configure("")
    text = WAITING.replace("self.approved)", "self.approved)  # holdfast: ignore[HF901] known")

    assert found(text=text) == []
    assert found("--extend-select", "HF901", text=text) == ["HF901"]


def test_each_file_is_governed_by_the_nearest_table() -> None:
    configure("select = ['HF3']")
    Path("app/pyproject.toml").write_text("[tool.holdfast.lint]\nselect = ['HF6']\n")

    assert found() == ["HF601"]
    assert found(at="other/flow.py") == ["HF305"]


def test_a_pattern_of_the_command_line_without_rules_is_a_usage_error() -> None:
    result = run("app", "--per-file-ignores", "app/*")

    assert "'app/*' must be a pattern and rules, such as 'scripts/*:HF6,HF305'" in result.stderr
    assert result.exit_code == 2


def test_exclude_on_the_command_line_adds_to_the_table() -> None:
    configure('exclude = ["examples/mistakes"]')

    assert checked(run(".", "--exclude", "app")) == ["examples/good/flow.py"]


def test_a_severity_of_the_table_decides_whether_a_finding_fails_the_check() -> None:
    configure("[tool.holdfast.lint.severity]\nHF3 = 'info'\nHF305 = 'warning'\nHF101 = 'info'")
    Path("app/flow.py").write_text(MIXED)

    findings = json.loads(run("app", "--format", "json").stdout)["findings"]

    assert {item["code"]: item["severity"] for item in findings} == {
        "HF305": "warning",
        "HF601": "warning",
        "HF101": "info",
    }


HELPER = """\
import time
import requests

class Clock:
    def now(self):
        return time.time()

def now():
    return time.time()

def fetch():
    return 1
"""
CALLER = """\
import requests
from holdfast import workflow
from helpers.clock import Clock, fetch, now

@workflow.define
async def flow():
    requests.get("x")
    return [now(), Clock().now(), fetch(), sorted([1], key=lambda _: now())]
"""


def test_effects_of_a_table_say_what_functions_of_the_project_and_of_others_do() -> None:
    Path("helpers").mkdir()
    Path("helpers/__init__.py").touch()
    Path("helpers/clock.py").write_text(HELPER)
    caller = "flow.py"

    assert found(text=CALLER, at=caller) == ["HF101", "HF101", "HF204"]

    configure(
        "[tool.holdfast.lint.effects]\n'helpers.clock.now' = 'pure'\n'helpers.clock.Clock.now' = 'pure'\n"
        "'helpers.clock.fetch' = 'network'\n'requests.get' = 'pure'"
    )
    assert found(text=CALLER, at=caller) == ["HF204"]
    assert "`helpers.clock.fetch()` talks to the network" in run(caller).stdout


def test_tables_that_disagree_about_a_function_are_told_so() -> None:
    configure("effects = { 'app.now' = 'pure' }")
    Path("app/pyproject.toml").write_text(
        "[tool.holdfast.lint]\neffects = { 'app.now' = 'HF101' }\n"
    )

    result = run(".")

    assert "effects says pure of 'app.now'" in result.stderr or "says HF101" in result.stderr
    assert result.exit_code == 2
