"""The shell talks with runs: signal, update, query, runs --where, why."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast import Client, Worker
from holdfast.cli import main

FLOWS = """
from holdfast import workflow

go = workflow.Signal("go", int)
add = workflow.Update("add", int, int)

@workflow.define
async def child() -> None:
    return None

@workflow.define
async def total(rounds: int) -> int:
    workflow.publish("rounds", rounds)
    add.handle(lambda value: value + rounds)
    await workflow.run_child(child)
    await go.receive()
    if rounds:
        workflow.continue_as_new(rounds - 1)
    return 7
"""
Shell = Callable[..., Result]


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Callable[[str, str], ModuleType]
) -> Shell:
    flows: Any = module("flows", FLOWS)
    monkeypatch.setenv("HOLDFAST_DB", str(tmp_path / "s.db"))

    async def work(*, until: threading.Event | None = None) -> None:
        async with Client(tmp_path / "s.db") as client:
            worker = Worker(client, workflows=[flows.total, flows.child])
            await worker.run_until_idle()
            while until is not None and not until.is_set():
                await worker.run_until_idle()
                await asyncio.sleep(0.01)

    def call(*arguments: str, served: bool = False) -> Result:
        done = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(work(until=done)))
        if served:
            thread.start()
        try:
            return CliRunner().invoke(main, list(arguments))
        finally:
            done.set()
            if served:
                thread.join()
            else:
                asyncio.run(work())

    return call


def test_a_run_is_told_asked_and_read(shell: Shell) -> None:
    started = shell("start", "flows:total", "1", "--id", "a", "--attribute", "customer=acme", "--attribute", "amount=120")  # fmt: skip
    assert started.output == "a\n"
    assert shell("query", "a", "rounds").output == "1\n"
    assert json.loads(shell("query", "a").output) == {"rounds": 1}
    assert shell("update", "a", "add", "5", served=True).output == "6\n"
    assert shell("signal", "a", "go", "1", "--message", "m").output == "a: go sent\n"
    assert shell("signal", "a", "go", "1", "--message", "m").output == "a: go was there already\n"
    assert shell("query", "a", "rounds").output == "0\n"

    assert "continued as a~2" in shell("why", "a").output
    assert "children: a.2" in shell("why", "a").output
    assert "continues a" in shell("why", "a~2").output
    assert "child of a" in shell("why", "a.2").output
    assert json.loads(shell("why", "a", "--json").output)["continued_to"] == "a~2"


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["customer=acme"], True),
        (["customer!=acme"], False),
        (["amount>=100", "customer = acme"], True),
        (["amount<100"], False),
        (["paid=true"], True),
    ],
)
def test_runs_are_found_by_attribute(shell: Shell, conditions: list[str], *, found: bool) -> None:
    shell(
        "start", "flows:child", "--id", "a", "--attribute", "customer=acme", "--attribute", "amount=100",
        "--attribute", "paid=true",
    )  # fmt: skip
    given = [part for text in conditions for part in ("--where", text)]

    assert ("a " in shell("runs", *given).stdout) is found


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["signal", "a", "go", "{"], 2, "is not JSON"),
        (["signal", "nobody", "go", "1"], 4, "There is no run 'nobody'"),
        (["query", "a", "nothing"], 2, "has not published 'nothing'"),
        (["update", "a", "subtract", "1", "--timeout", "0.05"], 2, "has not answered subtract within"),
        (["update", "a", "add", '"x"'], 2, "Update 'add' does not fit what run a takes: the value: 'x'"),
        (["runs", "--where", "customer"], 2, "expected KEY=VALUE"),
        (["start", "flows:total", "1", "--attribute", "customer"], 2, "expected KEY=VALUE"),
        (["start", "flows:total", "1", "--timeout", "-1"], 2, "--timeout"),
    ],
)  # fmt: skip
def test_mistakes_are_answered_by_a_sentence(
    shell: Shell, arguments: list[str], code: int, said: str
) -> None:
    shell("start", "flows:total", "1", "--id", "a")
    result = shell(*arguments, served=True)

    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
