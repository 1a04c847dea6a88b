from collections.abc import Callable

import pytest

from holdfast_lint.diagnostic import Report

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


@pytest.mark.parametrize("word", ["wall-clock", "HF1", "hf101", "ALL"])
def test_a_comment_names_rules_as_the_options_do(codes: Codes, word: str) -> None:
    assert codes(module(on_line=f"  # holdfast: ignore[{word}] shown to people only")) == []


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# noqa: HF101 shown to people only", []),
        ("# NOQA: DTZ005, hf101 - shown to people only", []),
        ("# noqa: HF101", [(5, "HF991")]),
        ("# noqa: HF305 why", [(5, "HF101"), (5, "HF990")]),
        ("# noqa: HF100 why", [(5, "HF101"), (5, "HF992")]),
        ("# noqa: DTZ005", [(5, "HF101")]),
        ("# noqa", [(5, "HF101")]),
        ("# noqa: DTZ005  # noqa: HF101 shown to people only", []),
    ],
)
def test_a_noqa_that_names_our_codes_is_a_suppression_like_any_other(
    codes: Codes, comment: str, expected: list[tuple[int, str]]
) -> None:
    assert codes(module(on_line=f"  {comment}")) == expected


BLOCKS = """\
import time
from holdfast import workflow

class Flow:  # {on_class}
    @workflow.define
    async def flow(self, names):
        if names:  # {on_if}
            time.sleep(1)
        elif len(names) == 0:  # {on_elif}
            time.sleep(2)
        else:
            time.sleep(3)
        with open_(
            names
        ) as file:  # {on_with}
            time.sleep(4)
        try:  # {on_try}
            time.sleep(5)
        except ValueError:  # {on_except}
            time.sleep(6)
        match names:  # {on_match}
            case []:
                time.sleep(7)
        for name in names:  # {on_for}
            time.sleep(8)
"""
EVERYWHERE = (8, 10, 12, 16, 18, 20, 23, 25)


@pytest.mark.parametrize(
    ("place", "covered"),
    [
        ("on_class", EVERYWHERE),
        ("on_if", (8,)),
        ("on_elif", (10,)),
        ("on_try", (18,)),
        ("on_except", (20,)),
        ("on_match", (23,)),
        ("on_for", (25,)),
    ],
)
def test_a_comment_on_a_header_line_covers_its_block(
    codes: Codes, place: str, covered: tuple[int, ...]
) -> None:
    places = ("class", "if", "elif", "with", "try", "except", "match", "for")
    words = dict.fromkeys((f"on_{name}" for name in places), "nothing")
    text = BLOCKS.format(**words | {place: "holdfast: ignore[HF305] a demonstration"})

    found = codes(text)

    assert [line for line, code in found if code == "HF305"] == [
        line for line in EVERYWHERE if line not in covered
    ]
    assert [code for _, code in found if code != "HF305"] == []


def test_a_comment_at_the_end_of_a_with_header_of_several_lines_covers_its_block(
    codes: Codes,
) -> None:
    text = """\
import contextlib
import time
from holdfast import workflow

@workflow.define
async def flow():
    with contextlib.suppress(
        ValueError,
    ):  # holdfast: ignore[HF305] a demonstration
        time.sleep(1)
    time.sleep(2)
"""
    assert codes(text) == [(11, "HF305")]


def test_a_comment_for_the_file_covers_the_file_wherever_it_stands(codes: Codes) -> None:
    text = module() + "\n# holdfast: ignore-file[HF1, print] a demonstration\n"

    assert codes(text) == [(11, "HF990")]
    assert codes(module() + "# holdfast: ignore-file[HF101]\n") == [(10, "HF991")]


def test_a_slip_of_the_pen_in_a_comment_is_answered_with_the_nearest_rule(
    check: Callable[..., Report],
) -> None:
    report = check({"flow.py": module(on_line="  # holdfast: ignore[wall-clok] why")})

    assert [item.message for item in report.diagnostics if item.code == "HF992"] == [
        "wall-clok is no rule of the checker; did you mean 'wall-clock'?"
    ]


def test_what_is_suppressed_is_kept_with_its_reason(check: Callable[..., Report]) -> None:
    report = check({"flow.py": module(on_line="  # holdfast: ignore[HF101] shown to people only")})

    assert [(item.diagnostic.code, item.reason) for item in report.suppressed] == [
        ("HF101", "shown to people only")
    ]
