"""Where a forbidden value goes decides how bad it is."""

from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from holdfast_lint.diagnostic import Report
from holdfast_lint.report.text import render_text

HEAD = """\
import time
from dataclasses import dataclass, field

from holdfast import activity, workflow


@activity.define
async def charge(order: str, at: object = None) -> str: ...


@activity.define
async def ship(order: str) -> str: ...


@dataclass
class Note:
    text: str
    stamps: list[float] = field(default_factory=list)


def describe(moment: float) -> str:
    return f"at {moment}"


def is_late() -> bool:
    if time.time() > 5:
        return True
    return False


async def pay(order: str, moment: float) -> None:
    await charge(order, moment)


@workflow.define
async def order(order: str) -> str:
"""


def worst(report: Report) -> list[tuple[str, str]]:
    return [
        (item.sinks[0].kind, item.sinks[0].what) if item.sinks else ("unused", "")
        for item in report.diagnostics
        if item.code != "HF810"
    ]


@pytest.mark.parametrize(
    ("body", "kind", "what"),
    [
        ('await charge(order, time.time())\nreturn ""', "argument", "charge"),
        ('at = time.time()\ntext = f"{at:.0f}"\nawait charge(text)\nreturn ""', "argument", "charge"),
        ('await charge(describe(time.time()))\nreturn ""', "argument", "charge"),
        ('await pay(order, time.time())\nreturn ""', "argument", "charge"),
        ('note = Note(text=str(time.time()))\nawait charge(order, note)\nreturn ""', "argument", "charge"),
        ('note = Note("")\nnote.stamps.append(time.time())\nawait charge(order, note)\nreturn ""', "argument", "charge"),
        ('times = [time.time() for _ in order]\nawait charge(order, max(times))\nreturn ""', "argument", "charge"),
        ('if time.time() > 5:\n    await ship(order)\nreturn ""', "control", "ship"),
        ('late = time.time() > 5\nif not late:\n    return ""\nreturn await ship(order)', "control", ""),
        ('if is_late():\n    await ship(order)\nreturn ""', "control", "ship"),
        ('if time.time() > 5:\n    await pay(order, 1.0)\nreturn ""', "control", "pay"),
        ('while time.time() < 5:\n    await ship(order)\nreturn ""', "control", "ship"),
        ('mode = "a"\nif time.time() > 5:\n    mode = "b"\nawait charge(mode)\nreturn ""', "argument", "charge"),
        ('return (await ship(order)) if time.time() > 5 else ""', "control", "ship"),
        ('if await ship(order) and workflow.patched(str(time.time())):\n    return ""\nreturn ""', "identity", "patched"),
        ('await ship(order)\nreturn str(time.time())', "result", ""),
        ('raise ValueError(time.time())', "result", ""),
        ('workflow.logger.info("%s", time.time())\nreturn ""', "log", ""),
        ('began = time.time()\nawait ship(order)\nworkflow.logger.info("%s", time.time() - began)\nreturn ""', "log", ""),
        ('time.time()\nreturn ""', "unused", ""),
        ('order.unknown_method_of_a_str(time.time())\nreturn ""', "unknown", "unknown_method_of_a_str"),
    ],
)  # fmt: skip
def test_a_value_is_followed_to_the_worst_place_it_reaches(
    check: Callable[..., Report], body: str, kind: str, what: str
) -> None:
    report = check({"flow.py": HEAD + indent(body, "    ") + "\n"})

    assert set(worst(report)) == {(kind, what)}


def test_a_recorded_result_carries_nothing_on(check: Callable[..., Report]) -> None:
    body = "receipt = await charge(order, time.time())\nif receipt:\n    await ship(receipt)\nreturn receipt"
    report = check({"flow.py": HEAD + indent(body, "    ") + "\n"})

    assert [sink.kind for item in report.diagnostics for sink in item.sinks] == ["argument"]


def test_the_text_says_where_the_value_goes(check: Callable[..., Report]) -> None:
    report = check(
        {
            "flow.py": dedent(
                """\
                import random

                from holdfast import activity, workflow


                @activity.define
                async def ship(order: str) -> str: ...


                @workflow.define
                async def order(order: str) -> str:
                    lucky = random.random() < 0.1
                    if lucky:
                        await ship(order)
                    return order
                """
            )
        }
    )

    assert "= value: it decides whether `ship` runs (flow.py:13)" in render_text(
        report, colour=False
    )


@pytest.mark.parametrize(
    ("use", "severity"),
    [
        ('step.run("a", charge, {clock})', "info"),
        ('step.run(f"a-{{{clock}}}", charge)', "error"),
        ('step.run("a", charge) if {clock} > 5 else None', "error"),
        ("logger.info({clock})", "info"),
        ("logger.info(1)\n    return {clock}", "warning"),
    ],
)
def test_what_an_operation_that_is_known_by_its_name_is_handed_changes_nothing(
    check: Callable[..., Report], use: str, severity: str
) -> None:
    head = """\
import time

import inngest

client = inngest.Inngest(app_id="orders")


async def charge(at: float = 0) -> str: ...


@client.create_function(fn_id="order", trigger=inngest.TriggerEvent(event="order"))
async def order(ctx: inngest.Context) -> object:
"""
    line = use.format(clock="time.time()")
    call = f"    await ctx.{line}\n" if line.startswith("step") else f"    ctx.{line}\n"
    report = check({"flow.py": head + call})

    assert [(item.code, item.severity) for item in report.diagnostics] == [("HF101", severity)]
