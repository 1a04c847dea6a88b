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
        ("excludes = []", "has an unknown key 'excludes'; known: exclude"),
        ("exclude = 'examples'", "exclude must be a list of strings"),
        ("exclude = [1]", "exclude must be a list of strings"),
        ("exclude = [", "cannot be read"),
    ],
)
@pytest.mark.parametrize("path", [".", "app/flow.py"])
def test_a_table_that_makes_no_sense_is_a_sentence(table: str, expected: str, path: str) -> None:
    configure(table)

    result = run(path)

    assert expected in result.stderr
    assert "pyproject.toml" in result.stderr
    assert result.exit_code == 2
