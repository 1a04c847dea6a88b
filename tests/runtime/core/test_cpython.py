"""CPython's own tests of asyncio, from the interpreter that runs, pass on the loop of a run."""

import asyncio
import importlib
import importlib.util
import sys
import unittest
from typing import Any

import pytest

from holdfast._core import standins  # noqa: F401 - it puts our constructs in asyncio's place
from holdfast._core.eviction import evict
from holdfast._core.loop import TurnLoop
from holdfast.errors import ForbiddenCallError

MODULES = ("test_locks", "test_queues", "test_taskgroups", "test_timeouts", "test_waitfor")
OLD = sys.version_info < (3, 13)
CLOSED = "it awaits a coroutine that the newest Python closes when a task group refuses it"
REASONS = {
    "test_locks.ConditionTests.test_ambiguous_loops": "a second event loop is refused",
    "test_timeouts.TimeoutTests.test_nested_timeouts": "timers of one moment fire one by one: the inner limit never does",
} | (
    {
        "test_taskgroups.TestTaskGroup.test_taskgroup_no_create_task_after_failure": CLOSED,
        "test_taskgroups.TestTaskGroup.test_taskgroup_finished": CLOSED,
        "test_taskgroups.TestTaskGroup.test_taskgroup_not_entered": CLOSED,
        "test_taskgroups.TestTaskGroup.test_taskgroup_without_parent_task": CLOSED,
    }
    if OLD
    else {}
)  # fmt: skip
if sys.version_info < (3, 11, 4):  # Debian's, without this case
    del REASONS["test_taskgroups.TestTaskGroup.test_taskgroup_not_entered"]
if sys.version_info < (3, 12):
    REASONS["test_waitfor.AsyncioWaitForTest.test_wait_for_self_cancellation"] = (
        "since 3.12 the awaitable that swallows a cancellation gives the result"
    )
OWN_LOOP = ("test_coro_closed_when_tg_closed",)  # it asks asyncio for a loop, and never meets ours


class Port:
    """Keep timers in virtual time."""

    def __init__(self) -> None:
        self.count = 0
        self.now_ms = 0
        self.due: dict[int, int] = {}

    def start_timer(self, ms: int) -> int:
        self.count += 1
        self.due[self.count] = self.now_ms + ms
        return self.count

    def cancel_timer(self, seq: int) -> None:
        self.due.pop(seq, None)

    def wake_conditions(self) -> bool:
        return False

    def refuse(self, error: ForbiddenCallError) -> None:
        self.refused = error

    @property
    def project(self) -> str:
        return "test"


class Unguarded(TurnLoop):
    """Be the loop of a run for which the guard does not look: these tests read clocks to see how long they took."""


class Runner:
    """Play the part of `asyncio.Runner` and of the inbound events: each due timer is a turn."""

    def __init__(self) -> None:
        self.port = Port()
        self.loop = Unguarded(self.port)  # type: ignore[abstract]  # its refusals are added by a table

    def get_loop(self) -> TurnLoop:
        return self.loop

    def run(self, coro: Any, *, context: Any = None) -> Any:
        with self.loop.running():
            task = self.loop.create_task(coro, context=context)
        self.loop.drain()
        while not task.done():
            seq = min(self.port.due, key=lambda seq: (self.port.due[seq], seq))
            self.port.now_ms = self.loop.now_ms = max(self.port.now_ms, self.port.due.pop(seq))
            self.loop.fire_timer(seq)
            self.loop.drain()
        return task.result()

    def close(self) -> None:
        evict(self.loop)


class OnTurnLoop:
    """Give a test case our runner."""

    _asyncioRunner: Any  # noqa: N815 - unittest's name

    def _setupAsyncioRunner(self) -> None:  # noqa: N802 - unittest's name
        self._asyncioRunner = Runner()

    def _tearDownAsyncioRunner(self) -> None:  # noqa: N802 - unittest's name
        runner, self._asyncioRunner = self._asyncioRunner, None
        runner.close()


def cases() -> list[Any]:
    if importlib.util.find_spec("test.test_asyncio") is None:
        return []
    found = []
    for name in MODULES:
        if importlib.util.find_spec(f"test.test_asyncio.{name}") is None:
            continue
        module = importlib.import_module(f"test.test_asyncio.{name}")
        for cls in list(vars(module).values()):
            if (
                isinstance(cls, type)
                and issubclass(cls, unittest.IsolatedAsyncioTestCase)
                and cls.__module__ == module.__name__
            ):
                ours = type(cls.__name__, (OnTurnLoop, cls), {})
                found += [
                    pytest.param(ours, method, id=f"{name}.{cls.__name__}.{method}")
                    for method in unittest.defaultTestLoader.getTestCaseNames(ours)
                    if method not in OWN_LOOP
                ]
    return found


CASES = cases()


def test_the_interpreter_brings_its_tests() -> None:
    assert len(CASES) > 150, (
        "This Python has no `test` package, or not the asyncio part of it. It comes with Python from python.org, pyenv "
        "and uv; on Debian and Ubuntu: apt-get install libpython3-testsuite"
    )


def test_each_case_that_is_said_not_to_apply_exists() -> None:
    assert set(REASONS) <= {case.id for case in CASES}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize(("case", "method"), CASES)
def test_cpython(case: type[unittest.TestCase], method: str, request: Any) -> None:
    result = unittest.TestResult()
    case(method).run(result)
    problems = [trace for _, trace in (*result.failures, *result.errors)]
    reason = REASONS.get(request.node.callspec.id)

    assert result.testsRun == 1
    assert asyncio._get_running_loop() is None
    if reason is None:
        assert not problems, problems[0]
    else:
        assert problems, f"passes although it is said not to apply: {reason}"
