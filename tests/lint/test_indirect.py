"""Work that no call in the source names: what the language and its built-ins call by themselves."""

from collections.abc import Callable

import pytest

from holdfast_lint.diagnostic import Report

HEAD = """\
import functools
import io
import operator
import time
from typing import TypeVar

from holdfast import workflow

clock = None

def setup():
    global clock
    clock = time.time

@functools.singledispatch
def show(x): ...

@show.register
def _(x: int):
    time.time()

class Plain: ...

class Tool:
    when = staticmethod(time.time)
    METHOD
    @functools.singledispatchmethod
    def shown(self, x): ...

    @shown.register(int)
    def _(self, x):
        time.time()

    def _tick(self, n):
        time.time()

    def typed(self):
        time.time()

    tick = functools.partialmethod(_tick, 1)

T = TypeVar("T", bound=Tool)

def bound(x: T):
    x.typed()

@workflow.define
async def flow(x: int, tool: Tool):
    CODE
"""


def module(code: str, method: str = "") -> str:
    body = f"def {method}(*_): time.time()" if method else ""
    return HEAD.replace("CODE", code).replace("METHOD", body)


@pytest.mark.parametrize(
    "code",
    [
        "f'{x:{int(time.time())}}'",
        "tool.when()",
        "tool.tick()",
        "tool.shown(x)",
        "show(x)",
        "bound(x)",
        "clock()",
    ],
)
def test_work_behind_another_name_is_found(
    codes: Callable[[str], list[tuple[int, str]]], code: str
) -> None:
    assert [code for _, code in codes(module(code))] == ["HF101"]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("__new__", "Tool()"),
        ("__str__", "str(tool)"),
        ("__str__", "f'{tool}'"),
        ("__repr__", "f'{tool!r}'"),
        ("__repr__", "str(tool)"),
        ("__format__", "f'{tool:>3}'"),
        ("__format__", "format(tool)"),
        ("__len__", "len(tool)"),
        ("__bool__", "not tool"),
        ("__bool__", "if tool: ..."),
        ("__len__", "while tool: ..."),
        ("__hash__", "hash(tool)"),
        ("__eq__", "tool == 1"),
        ("__eq__", "1 == tool"),
        ("__eq__", "tool != 1"),
        ("__lt__", "tool < 1"),
        ("__contains__", "x in tool"),
        ("__add__", "tool + 1"),
        ("__radd__", "1 + tool"),
        ("__neg__", "-tool"),
        ("__getitem__", "tool[1]"),
        ("__iter__", "list(tool)"),
        ("__iter__", "[item for item in tool]"),
    ],
)
def test_a_method_that_the_language_calls_is_followed(
    codes: Callable[[str], list[tuple[int, str]]], method: str, code: str
) -> None:
    assert [code for _, code in codes(module(code, method))] == ["HF101"]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("__add__", "tool - 1"),
        ("__eq__", "tool is None"),
        ("__len__", "str(tool)"),
        ("__str__", "f'{Plain()}'"),
    ],
)
def test_a_method_that_nothing_calls_is_not(
    codes: Callable[[str], list[tuple[int, str]]], method: str, code: str
) -> None:
    assert codes(module(code, method)) == []


@pytest.mark.parametrize(
    "code", ["operator.methodcaller('typed')(tool)", "nothing = None; nothing()"]
)
def test_what_cannot_be_followed_counts_as_unresolved(
    check: Callable[..., Report], code: str
) -> None:
    coverage = check({"flow.py": module(code)}).coverage

    assert coverage.calls - coverage.resolved_calls == 1
