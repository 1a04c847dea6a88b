"""The detection matrix: one edit each to one workflow, and what replay says of it. `poe matrix` prints it."""

import asyncio
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from holdfast import Client, Worker
from holdfast.clock import VirtualClock
from holdfast.history import History, Turn
from holdfast.replay import ReplayResult, replay

NAME = "matrix_flow"
HEAD = """
import asyncio
from datetime import timedelta
from holdfast import activity, workflow

@activity.define
async def a() -> int: return 1
@activity.define
async def b(x: int) -> int: return x
@activity.define
async def c() -> int: return 3
@activity.define
async def d() -> int: return 4
@activity.define
async def e(x: int) -> int: return x
"""
ORIGINAL = """
@workflow.define
async def flow() -> int:
    await a()
    await asyncio.sleep(10)
    await b(1)
    await asyncio.gather(c(), d())
    return 7
"""
PATCHED = ORIGINAL.replace("    await a()\n", '    if workflow.patched("p"):\n        workflow.publish("p", 1)\n    await a()\n')  # fmt: skip
RETIRED = ORIGINAL.replace("@workflow.define", '@workflow.define(retired_patches=("p",))')
PASSES = "passes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold one edit: what replay is to say, and the first turn that it touches.

    `patched` runs change to a version with a patch while they are open: they are on its old branch.
    """

    edit: str
    old: str
    new: str
    says: str
    turn: int
    patched: bool = False
    start_only: bool = False

    @property
    def body(self) -> str:
        """Return the edited workflow."""
        if self.patched:
            return RETIRED
        assert self.old in ORIGINAL
        return ORIGINAL.replace(self.old, self.new, 1)

    @property
    def drifts(self) -> bool:
        """Tell whether the edit changes content alone, which stops no run."""
        return self.says.startswith("DR")


A, SLEEP, B, GATHER = (f"    await {call}\n" for call in ("a()", "asyncio.sleep(10)", "b(1)", "asyncio.gather(c(), d())"))  # fmt: skip
ROWS = (
    Row(edit="rename", old="b(1)", new="e(1)", says="ND04", turn=3),
    Row(edit="reorder", old=A + SLEEP, new=SLEEP + A, says="ND03", turn=1),
    Row(edit="remove in the middle", old=B, new="", says="ND02", turn=3),
    Row(edit="remove the first", old=A, new="", says="ND02", turn=1),
    Row(edit="add in the middle", old=B, new=f"    await e(1)\n{B}", says="ND01", turn=3),
    Row(edit="change the kind", old="asyncio.sleep(10)", new="e(10)", says="ND05", turn=2),
    Row(edit="swap inside gather", old="c(), d()", new="d(), c()", says="ND03", turn=4),
    Row(edit="parallel to sequential", old=GATHER, new="    await c()\n    await d()\n", says="ND08", turn=4),
    Row(edit="sequential to parallel", old=B + GATHER, new="    await asyncio.gather(b(1), c(), d())\n", says="ND08", turn=3),
    Row(edit="remove the last", old=GATHER, new="", says="ND09", turn=4),
    Row(edit="add after the last", old="    return 7", new="    await e(9)\n    return 7", says="ND09", turn=6),
    Row(edit="arguments", old="b(1)", new="b(2)", says="DR06", turn=3),
    Row(edit="length of the timer", old="sleep(10)", new="sleep(20)", says="DR10", turn=2),
    Row(edit="result 7 to 8", old="return 7", new="return 8", says="DR10", turn=6),
    Row(edit="option: queue", old="b(1)", new='b.with_options(queue="slow")(1)', says="DR07", turn=3),
    Row(edit="option: timeout", old="b(1)", new="b.with_options(timeout=timedelta(hours=1))(1)", says="DR07", turn=3),
    Row(edit="retire a patch, run on its old branch", old="", new="", says="ND12", turn=1, patched=True),
    Row(edit="history of the start event alone", old="a()", new="b(1)", says=PASSES, turn=0, start_only=True),
)  # fmt: skip


@contextmanager
def deployed(body: str) -> Iterator[ModuleType]:
    """Import a version of the workflow from a folder of its own, under the one name that all versions have."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{NAME}.py").write_text(HEAD + body)
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        sys.modules.pop(NAME, None)
        try:
            yield importlib.import_module(NAME)
        finally:
            sys.modules.pop(NAME, None)
            sys.path.remove(folder)


def record(row: Row) -> History:
    """Let real workers carry out what the row needs, and return the history."""
    return asyncio.run(_record(row))


async def _record(row: Row) -> History:
    clock = VirtualClock()
    client = Client("sqlite://", clock=clock)
    try:
        with deployed(ORIGINAL) as code:
            handle = await client.start(code.flow, id="r")
            if row.start_only:
                return await handle.history()
            await _work(client, code)
        clock.advance(timedelta(seconds=11))
        with deployed(PATCHED if row.patched else ORIGINAL) as code:
            await _work(client, code)
        assert await handle.result() == 7
        return await handle.history()
    finally:
        client.close()


async def _work(client: Client, code: ModuleType) -> None:
    activities = [code.a, code.b, code.c, code.d, code.e]
    await Worker(client, workflows=[code.flow], activities=activities).run_until_idle()


def replayed(row: Row, history: History) -> ReplayResult:
    """Replay a history with the edited workflow."""
    with deployed(row.body) as code:
        return replay(history, code.flow)


def said(result: ReplayResult) -> str:
    """Return what the last column of the matrix says of a result."""
    if result.bug is not None:
        return result.bug
    if result.difference is not None:
        return result.difference.code
    return ", ".join(drift.code for drift in result.drifts) or PASSES


def cut(history: History, turns: int, *, waiting: bool) -> History:
    """Return the history as it was when so many turns were committed; the next event may have come already."""
    kept: tuple[Turn, ...] = history.turns[:turns]
    if waiting:
        kept += tuple(changed(turn, commands=None) for turn in history.turns[turns : turns + 1])
    decisions = tuple(d for d in history.header.decisions if d.turn <= turns)
    header = changed(history.header, status="running", decisions=decisions)
    return History(header=header, turns=kept)


def wrong_cuts(row: Row, history: History) -> list[str]:
    """Return the open runs of which replay says something wrong: a pass past the edit, or an alarm before it."""
    wrong = []
    for turns in range(len(history.committed) + 1):
        for waiting in (False, True):
            result = replayed(row, cut(history, turns, waiting=waiting))
            is_past = row.says != PASSES and turns >= row.turn
            noticed = bool(result.drifts) if row.drifts else result.difference is not None
            stopped = not result.ok
            if noticed != is_past or (stopped and (row.drifts or not is_past)):
                wrong.append(f"turn {turns}: {said(result)}")
    return wrong


def main() -> int:
    """Print the matrix; 1 when a row deviates."""
    deviations = 0
    print(f"{'edit':<40} {'expected':<9} {'found':<9} open runs, cut at every turn")  # noqa: T201 - its output
    for row in ROWS:
        history = record(row)
        found, wrong = said(replayed(row, history)), wrong_cuts(row, history)
        good = found == row.says and not wrong
        deviations += not good
        cuts = "; ".join(wrong) or f"{2 * (len(history.committed) + 1)} right"
        print(f"{row.edit:<40} {row.says:<9} {found:<9} {cuts}{'' if good else '   <-- deviates'}")  # noqa: T201 - its output
    print(f"matrix: {len(ROWS) - deviations} of {len(ROWS)} edits told as they should be")  # noqa: T201 - its output
    return 1 if deviations else 0


if __name__ == "__main__":
    sys.exit(main())
