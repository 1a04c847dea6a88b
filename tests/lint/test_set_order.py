"""Where the order of a set reaches a durable call, and where it was put in order before."""

from collections.abc import Callable

import pytest

HEAD = """\
import asyncio
from holdfast import activity, workflow

@activity.define
async def act(*x: object) -> str: ...

@workflow.define
async def flow(items: list[str], s: set[str], either: set[str] | list[str]):
"""
LINE = HEAD.count("\n") + 1


@pytest.mark.parametrize(
    "line",
    [
        "await act(s.pop())",
        "await act(','.join(s))",
        "await act(','.join(f'{x}' for x in s))",
        "await act(list(s))",
        "await act([x for x in s])",
        "await act(*s)",
        "await act(next(iter(s)))",
        "await asyncio.gather(*{act(x) for x in s})",
        "await asyncio.gather(*{act(x) for x in items})",
        "names = tuple(s); await act(names)",
    ],
)
def test_an_argument_that_the_order_of_a_set_decides_is_found(
    codes: Callable[[str], list[tuple[int, str]]], line: str
) -> None:
    assert codes(f"{HEAD}    {line}\n") == [(LINE, "HF401")]


@pytest.mark.parametrize(
    "lines",
    [
        "await act(s)",
        "await act({x for x in s})",
        "await act({x: 1 for x in s})",
        "await act(sorted(s), len(s), max(s), sum(1 for x in s), *sorted(s))",
        "await act(','.join(either), items.pop(), *either)",
        "names = [x for x in {'a', 'b'}]; names.sort(); await act(names)",
        "names = list(s)\n    names.sort()\n    for n in names:\n        await act(n)",
        "names = sorted(list(s))\n    for n in names:\n        await act(n)",
    ],
)
def test_what_was_put_in_order_is_left_alone(
    codes: Callable[[str], list[tuple[int, str]]], lines: str
) -> None:
    assert codes(f"{HEAD}    {lines}\n") == []
