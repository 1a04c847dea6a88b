from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast_lint.cli import lint

BAD = "import time\nfrom holdfast import workflow\n\n@workflow.define\nasync def flow(): time.sleep(1)\n"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(lint, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


BROKEN = {
    "a syntax error": (b"x = 1\ndef f(:\n    pass\n", "b.py:2:7: syntax error: "),
    "an indentation error": (
        b"def f():\nreturn 1\n",
        "b.py:2:1: syntax error: expected an indented block",
    ),
    "bytes that are no text": (b"x = 1\ny = '\xff\xfe'\n", "b.py:2:1: is not valid utf-8 text"),
    "an unknown encoding": (
        b"# coding: klingon\n",
        "b.py: cannot be decoded: unknown encoding: klingon",
    ),
    "a null byte": (b"x = 1\n\0\n", "b.py:2:1: contains a null byte"),
    "brackets without end": (
        b"x = " + b"(" * 20_000 + b")" * 20_000,
        "is nested too deeply to be checked",
    ),
    "operators without end": (
        b"x = " + b"-" * 20_000 + b"1\n",
        "b.py: is nested too deeply to be checked",
    ),
    "additions without end": (
        b"x = " + b"1+" * 3_000 + b"1\n",
        "b.py: is nested too deeply to be checked",
    ),
    "calls without end": (
        b"x = a" + b".b()" * 3_000 + b"\n",
        "b.py: is nested too deeply to be checked",
    ),
    "branches without end": (
        b"if a: pass\n" + b"elif a: pass\n" * 2_500,
        "b.py: is nested too deeply",
    ),
}


@pytest.mark.parametrize(
    ("content", "expected"), BROKEN.values(), ids=[name.replace(" ", "-") for name in BROKEN]
)
def test_a_broken_file_is_a_sentence_and_the_others_are_checked(
    content: bytes, expected: str
) -> None:
    Path("a.py").write_text(BAD)
    Path("b.py").write_bytes(content)

    result = run(".")

    assert expected in result.stdout
    assert "a.py:5:19: HF305" in result.stdout
    assert "1 path not checked" in result.stderr
    assert "Traceback" not in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize("depth", [20, 95])
@pytest.mark.parametrize(
    "template",
    [
        "[{}1{}]",
        "-{}1{}",
        "lambda: {}1{}",
        "(x if {}1{} else y)",
        "f({}1{})",
        "(await {}1{})",
        "{{'a': {}1{}}}",
    ],
)
def test_code_that_nests_as_deeply_as_python_allows_is_checked(template: str, depth: int) -> None:
    before, after = template.replace("{{", "{").replace("}}", "}").split("{}1{}")
    body = f"    z = {before * depth}1{after * depth}\n"
    Path("a.py").write_text(BAD.replace(": time.sleep(1)\n", f":\n    time.sleep(1)\n{body}"))

    result = run("a.py")

    assert "Traceback" not in result.output
    assert "HF305" in result.stdout
    assert result.exit_code == 1


def test_a_long_chain_of_branches_is_checked() -> None:
    chain = "    if 0: pass\n" + "".join(f"    elif {n}: pass\n" for n in range(1, 450))
    Path("a.py").write_text(BAD.replace(": time.sleep(1)\n", f":\n    time.sleep(1)\n{chain}"))

    assert "HF305" in run("a.py").stdout


def test_loops_inside_loops_take_no_time() -> None:
    loops = "".join(f"{'    ' * n}for x{n} in range(9):\n" for n in range(1, 19))
    body = f"{loops}{'    ' * 19}y = x1\n"
    Path("a.py").write_text(BAD.replace(": time.sleep(1)\n", f":\n    time.sleep(1)\n{body}"))

    assert "HF305" in run("a.py").stdout


def test_a_helper_that_cannot_be_parsed_is_reported_once() -> None:
    Path("flow.py").write_text(
        BAD.replace("sleep(1)", "sleep(helper.f())").replace("import time", "import helper, time")
    )
    Path("helper.py").write_text("def f(:\n")

    result = run("flow.py")

    assert result.stdout.count("helper.py:1:7: syntax error") == 1
    assert result.exit_code == 2


def test_files_with_other_line_ends_encodings_and_marks_are_read() -> None:
    Path("a.py").write_bytes(BAD.replace("\n", "\r\n").encode("utf-8-sig"))
    Path("b.py").write_bytes(
        b"# coding: latin-1\n" + BAD.replace("1)", "1)  # caf\xe9").encode("latin-1")
    )
    Path("c.py").write_bytes(b"")

    result = run(".")

    assert result.stdout.count("HF305") == 2
    assert result.exit_code == 1


def test_a_path_that_does_not_exist_is_a_sentence() -> None:
    Path("a.py").write_text(BAD)

    result = run("missing", "a.py")

    assert "missing: there is no such file or folder" in result.stdout
    assert "HF305" in result.stdout
    assert result.exit_code == 2


def test_a_folder_without_python_is_a_sentence() -> None:
    Path("empty").mkdir()
    Path("empty/readme.txt").write_text("x")

    result = run("empty")

    assert "empty: there is no Python file to check in this folder" in result.stdout
    assert result.exit_code == 2


def test_folders_that_hold_no_source_are_skipped() -> None:
    for folder in (".venv", ".hidden", "node_modules", "__pycache__", "build", "dist", "app"):
        Path(folder).mkdir()
        Path(folder, "flow.py").write_text(BAD)

    result = run(".")

    assert result.stdout.count("HF305") == 1
    assert "app/flow.py" in result.stdout


def test_a_file_named_twice_is_checked_once() -> None:
    Path("a.py").write_text(BAD)

    assert run("a.py", ".", "./a.py").stdout.count("HF305") == 1


def test_a_broken_file_that_a_workflow_imports_is_told_once() -> None:
    Path("flow.py").write_text(
        "from holdfast import workflow\nfrom helper import f\n\n@workflow.define\nasync def flow(): f()\n"
    )
    Path("helper.py").write_text("def f(:\n")

    assert run(".").stdout.count("helper.py:1:7: syntax error") == 1
