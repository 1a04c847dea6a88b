from collections.abc import Callable

import pytest

Codes = Callable[[str], list[tuple[int, str]]]

MODULE = """\
import time
from holdfast import workflow

def helper():{on_def}
    return time.time(){on_line}

@workflow.define
async def flow():
    return helper()
"""


def module(*, on_line: str = "", on_def: str = "") -> str:
    return MODULE.format(on_line=on_line, on_def=on_def)


@pytest.mark.parametrize(
    "comment",
    [
        "  # holdfast: ignore[HF101] shown to people only",
        "  #holdfast:ignore[HF101] - shown to people only",
        "  # noqa: DTZ005  # holdfast: ignore[ HF101 ] shown to people only",
    ],
)
def test_a_reasoned_comment_on_the_line_suppresses(codes: Codes, comment: str) -> None:
    assert codes(module(on_line=comment)) == []


def test_a_comment_on_the_def_line_covers_the_function(codes: Codes) -> None:
    assert codes(module(on_def="  # holdfast: ignore[HF101] shown to people only")) == []


def test_a_comment_on_a_header_of_several_lines_covers_the_function(codes: Codes) -> None:
    text = """\
import time
from holdfast import workflow

@workflow.define
async def flow(
    name: str,
) -> None:  # holdfast: ignore[HF305] a demonstration
    def inner():
        time.sleep(1)

    inner()
"""
    assert codes(text) == []


def test_a_comment_inside_a_call_of_several_lines_suppresses(codes: Codes) -> None:
    text = """\
import time
from holdfast import workflow

@workflow.define
async def flow():
    time.sleep(
        60,  # holdfast: ignore[HF305] a demonstration
    )
"""
    assert codes(text) == []


def test_a_comment_for_another_code_does_not_suppress_and_is_unused(codes: Codes) -> None:
    comment = "  # holdfast: ignore[HF305] no sleep here"

    assert codes(module(on_line=comment)) == [(5, "HF101"), (5, "HF990")]


def test_a_comment_without_a_reason_suppresses_but_is_reported(codes: Codes) -> None:
    assert codes(module(on_line="  # holdfast: ignore[HF101]")) == [(5, "HF991")]


def test_a_comment_without_a_code_suppresses_nothing(codes: Codes) -> None:
    assert codes(module(on_line="  # holdfast: ignore this")) == [(5, "HF101"), (5, "HF991")]


def test_the_words_inside_a_string_are_no_comment(codes: Codes) -> None:
    text = module().replace("import time", 'import time\nTEXT = "# holdfast: ignore[HF101] x"')

    assert codes(text) == [(6, "HF101")]


def test_a_comment_in_code_that_no_workflow_reaches_is_unused(codes: Codes) -> None:
    text = "import time\n\ndef f():\n    time.sleep(1)  # holdfast: ignore[HF305] why\n"

    assert codes(text) == [(4, "HF990")]
