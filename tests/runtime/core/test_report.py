"""The report of a difference: what is gone and new in the turn, which code, and how many runs it concerns."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast import Client, Worker
from holdfast._core.matcher import common, identity
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.history import PublishValue
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]

ORDER = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def reserve() -> int: return 1
@activity.define
async def check() -> int: return 2
@activity.define
async def email() -> int: return 3

async def tell() -> None:
    await email()

@workflow.define
async def order() -> int:
    await asyncio.sleep(10)
    await reserve()
    await tell()
    await asyncio.sleep(10)
    return 7
"""
EDITED = ORDER.replace("    await email()\n", "    await asyncio.gather(check(), email())\n")


def worker_of(client: Client, code: ModuleType) -> Worker:
    return Worker(client, workflows=[code.order], activities=[code.reserve, code.check, code.email])


async def deployed_over_open_runs(
    client: Client, clock: VirtualClock, module: Load
) -> tuple[ModuleType, ModuleType]:
    """Bring two runs past the e-mail and two to the timer before it, and then meet the edited code."""
    old = module("orders", ORDER)
    for name in ("past-1", "past-2"):
        await client.start(old.order, id=name)
    await worker_of(client, old).run_until_idle()
    clock.advance(timedelta(seconds=11))
    await worker_of(client, old).run_until_idle()
    for name in ("before-1", "before-2"):
        await client.start(old.order, id=name)
    await worker_of(client, old).run_until_idle()
    clock.advance(timedelta(seconds=5))
    new = module("orders", EDITED)
    await client.signal("past-1", "wake", 1)
    await worker_of(client, new).run_until_idle()
    return old, new


def said(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--db", str(tmp_path / "holdfast.db")])


async def in_thread(tmp_path: Path, *arguments: str) -> Result:
    return await asyncio.to_thread(said, tmp_path, *arguments)


async def test_the_report_marks_what_is_new_and_names_both_codes_and_the_await_chain(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    old, new = await deployed_over_open_runs(client, clock, module)

    result = replay(await client.history("past-1"), new.order)

    found = result.difference
    assert found is not None
    assert found.code == "ND01"
    assert [(line.name, line.differs) for line in found.expected] == [("email", False)]
    assert [(line.name, line.differs) for line in found.got] == [("check", True), ("email", False)]
    assert (found.recorded_code, found.current_code) == (
        old.order.definition.fingerprint,
        new.order.definition.fingerprint,
    )
    assert "in order > tell" in found.got[0].site
    assert "out + activity check(), activity email()" in result.text()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # the command is given the file
async def test_why_counts_the_open_runs_on_both_sides_of_the_recorded_line(
    client: Client, clock: VirtualClock, module: Load, tmp_path: Path
) -> None:
    await deployed_over_open_runs(client, clock, module)
    line = 1 + ORDER.splitlines().index("    await email()")

    text = await in_thread(tmp_path, "why", "past-1")
    report = json.loads((await in_thread(tmp_path, "why", "past-1", "--json")).output)["report"]

    assert f"2 open runs are past orders.py:{line}, 2 before it" in text.output
    assert report["in_flight"] == {"place": f"orders.py:{line}", "past": 2, "before": 2}
    assert {"code", "turn", "expected", "got", "suggestion"} <= report.keys()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # the command is given the file
@pytest.mark.parametrize("where", ["orders.py:{}", "rders.py:{}", "orders.py:1{}", "%.py:{}"])
async def test_runs_past_a_line_are_listed(
    where: str, client: Client, clock: VirtualClock, module: Load, tmp_path: Path
) -> None:
    await deployed_over_open_runs(client, clock, module)
    line = 1 + ORDER.splitlines().index("    await email()")

    listed = await in_thread(tmp_path, "runs", "--json", "--past", where.format(line))

    found = {json.loads(row)["id"] for row in listed.output.splitlines() if row.startswith("{")}
    assert found == ({"past-1", "past-2"} if where == "orders.py:{}" else set())


def test_a_line_without_a_number_is_refused(tmp_path: Path) -> None:
    refused = said(tmp_path, "runs", "--past", "orders.py")

    assert refused.exit_code == 2
    assert "expected a file and a line" in str(refused.exception) + refused.output


def commands(names: str) -> list[Any]:
    return [PublishValue(seq=i, site="", key=name, value=1) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("old", "new", "length"),
    [
        ("abc", "abc", 3),
        ("abc", "axbc", 3),
        ("ab", "ba", 1),
        ("abcbdab", "bdcaba", 4),
        ("", "a", 0),
        ("aab", "ab", 2),
    ],
)
def test_both_sides_agree_on_what_they_share(old: str, new: str, length: int) -> None:
    one, other = commands(old), commands(new)

    left = [identity(one[i]) for i in sorted(common(one, other))]
    right = [identity(other[i]) for i in sorted(common(other, one))]

    assert left == right
    assert len(left) == length
