"""Which awaitables are dropped, and which merely wait for their turn."""

from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from holdfast_lint.diagnostic import Report

HEAD = """\
import asyncio
from holdfast import activity, workflow

@activity.define
async def act(x: object = None) -> str: ...

async def helper() -> str:
    return await act()

def start():
    return act()

def again(x):
    return again(x - 1) if x else act()

def endless():
    return endless()

class Box:
    async def run(self) -> str:
        return await helper()

@asyncio.coroutines.unknown
async def changed() -> str:
    return await act()

@workflow.define
async def flow(given: bool, items: list[str]):
"""
BAD = {
    "a question to several people": "workflow.approvals('a', ask='?', to=[], answer=bool, timeout=1)  # bad",
    "an async helper": "helper()  # bad",
    "a function that gives the call back": "start()  # bad",
    "an async method": "Box().run()  # bad",
    "a nested function": "def mk(): return act()\nmk()  # bad",
    "a lambda": "(lambda: act())()  # bad",
    "a lambda with a name": "mk = lambda: act()\nmk()  # bad",
    "a helper kept": "x = helper()  # bad",
    "compared": "x = act()\nif x == 'ok':  # bad\n    pass",
    "as text": "str(act())  # bad",
    "in an f-string": "return f'{act()}'  # bad",
    "in arithmetic": "return act() + 1  # bad",
    "added": "total = 0\ntotal += act()  # bad\nreturn total",
    "measured": "return len(act())  # bad",
    "measured by name": "x = act()\nreturn len(x)  # bad",
    "looped over": "for x in act():  # bad\n    pass",
    "looped over in a comprehension": "return [x for x in act()]  # bad",
    "chosen from": "x = act() if given else helper()\nreturn x[0]  # bad",
    "overwritten": "x = act('1')  # bad\nx = act('2')\nawait x",
    "overwritten in a loop": "for n in items:\n    x = act('1')  # bad\n    x = act('2')\n    await x",
    "one of a pair": "a, b = act('1'), act('2')  # bad\nawait a",
    "gathered for nobody": "asyncio.gather(act(), act())  # bad",
    "gathered into a forgotten name": "every = asyncio.gather(act(), act())  # bad",
}
GOOD = {
    "a task": "asyncio.create_task(act())\nasyncio.create_task(helper())\nasyncio.create_task(Box().run())",
    "a decorator may make anything of it": "changed()",
    "a function that calls itself": "endless()\nagain(2)",
    "awaited in one branch and assigned again": "x = act()\nif given:\n    await x\n    x = act()\nawait x",
    "carried to the next turn": (
        "last = act()\nfor n in items:\n    new = act(n)\n    await last\n    last = new\nawait last"
    ),
    "perhaps nothing": "x = None\nfor n in items:\n    if x:\n        await x\n    x = act(n)\nreturn x",
    "perhaps not one": "x = act() if given else None\nif x:\n    await x",
    "appended, then assigned again": "x = act()\nkept = [x]\nx = act()\nkept.append(x)\nawait asyncio.gather(*kept)",
    "left by break": "while True:\n    x = act()\n    if given:\n        break\n    x = await x\nawait x",
    "left by an exception": (
        "x = helper()\ntry:\n    x = act()\n    await act()\n    x = await x\nexcept ValueError:\n    await x"
    ),
    "read by a nested function": "x = act()\ndef inner():\n    return x\nx = act()\nawait inner()",
    "stored": "box = Box()\nx = act()\nbox.x = x\nx = act()\nbox.y = x\nawait asyncio.gather(box.x, box.y)",
    "handed on": "x = act()\nbox = dict(x=x)\nx = act()\nreturn box, x",
    "yielded": "x = act()\nyield x\nx = act()\nyield x",
    "awaited into the same name": "x = helper()\nx = await x\nreturn str(x), len(x), f'{x}'",
    "gathered and cancelled": "every = asyncio.gather(act(), act())\nevery.cancel()",
    "told apart": "x = act()\nkept = [x]\nif x is not None and x in kept:\n    await x",
    "closed": "x = act()\nx.close()",
    "deep loops": (
        "last = None\nfor a in items:\n for b in items:\n  for c in items:\n   for d in items:\n    for e in items:\n"
        "     if last: await last\n     last = act()"
    ),
    "matched": "x = act()\nmatch items:\n    case [x]: pass\nreturn x",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_an_awaitable_that_nobody_awaits_is_found(check: Callable[..., Report], body: str) -> None:
    text = HEAD + indent(dedent(body), "    ") + "\n"
    wrong = [n for n, line in enumerate(text.splitlines(), start=1) if line.endswith("# bad")]

    report = check({"flow.py": text})

    found = [(item.span.line, item.code) for item in report.diagnostics]
    assert found == [(line, "HF702") for line in wrong]


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD.keys())
def test_an_awaitable_that_may_be_awaited_is_left_alone(
    check: Callable[..., Report], body: str
) -> None:
    report = check({"flow.py": HEAD + indent(body, "    ") + "\n"})

    assert report.problems == ()
    assert report.diagnostics == ()
