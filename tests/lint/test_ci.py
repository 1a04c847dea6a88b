"""What the documents and the action run in CI."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "lint-in-ci.md"
FLOW = "import time\nfrom holdfast import workflow\n\n@workflow.define\nasync def flow(): time.sleep(1)\n"
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app").mkdir()
    Path("app/flow.py").write_text(FLOW)


def run(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, "PATH": PATH, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def yaml_of(mark: str) -> Any:
    (block,) = re.findall(
        rf"<!-- file: {re.escape(mark)} -->\n```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    return yaml.safe_load(block)


def test_the_hook_of_the_page_checks_the_project() -> None:
    (repository,) = yaml_of(".pre-commit-config.yaml")["repos"]
    (hook,) = repository["hooks"]

    assert repository["repo"] == "local"
    ended = run(shlex.split(hook["entry"]))

    assert "HF305" in ended.stdout
    assert ended.returncode == 1
    assert not hook["pass_filenames"]


def action() -> Any:
    return yaml.safe_load((ROOT / "lint" / "action.yml").read_text())


def test_the_action_installs_the_checker_beside_it_and_annotates() -> None:
    install, check = (step for step in action()["runs"]["steps"] if "run" in step)

    assert (ROOT / "lint" / ".." / "pyproject.toml").exists()
    assert "$GITHUB_ACTION_PATH/..[lint]" in install["run"]
    ended = run(
        ["bash", "-e", "-c", check["run"]], PATHS="app", OPTIONS="--select HF3", SARIF="lint.sarif"
    )

    assert ended.stdout.startswith("::error title=HF305 blocking-sleep,file=app/flow.py,line=5")
    assert ended.returncode == 1
    assert '"ruleId": "HF305"' in Path("lint.sarif").read_text()


def test_the_workflow_of_the_page_gives_the_action_inputs_that_it_has() -> None:
    steps = [
        step
        for job in yaml_of(".github/workflows/lint.yml")["jobs"].values()
        for step in job["steps"]
        if "holdfast" in step.get("uses", "")
    ]

    assert steps
    assert {name for step in steps for name in step["with"]} <= set(action()["inputs"])
