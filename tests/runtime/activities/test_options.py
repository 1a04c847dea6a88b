"""Options are checked where they are written, recorded with the command, and compared on replay."""

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from holdfast import Client, Worker, activity
from holdfast.errors import ArgumentError
from holdfast.history import ScheduleActivity
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]
SECOND = timedelta(seconds=1)


async def pay(customer: str, amount: int = 1) -> int:
    return amount


def no_arguments() -> None: ...


def keyword_only(*, customer: str, amount: int) -> None: ...


def generator(customer: str, amount: int) -> Any:
    yield customer, amount


async def fits(someone: str, _much: int) -> None: ...


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reconcile": fits}, r'pay: reconcile= is for effect="once"; .*\'idempotent\' is simply tried again'),
        ({"reconcile": fits, "effect": "pure"}, r'reconcile= is for effect="once"'),
        ({"reconcile": no_arguments, "effect": "once"}, r"no_arguments\(\) -> .*too many positional arguments\. Give it the same"),
        ({"reconcile": keyword_only, "effect": "once"}, r"keyword_only\(.*which it cannot take"),
        ({"reconcile": generator, "effect": "once"}, "is a generator; expected a function"),
        ({"reconcile": "fits", "effect": "once"}, "reconcile='fits'; expected a plain"),
        ({"reconcile": activity.define(fits), "effect": "once"}, "reconcile=<activity fits>; expected a plain"),
        ({"effect": "twice"}, r"activity.define\(effect='twice'\): expected one of 'pure', 'idempotent', 'once'"),
        ({"timeout": timedelta(0)}, r"activity.define\(timeout=.* leaves no time at all"),
        ({"schedule_to_start": -SECOND}, "schedule_to_start=.* leaves no time at all"),
        ({"schedule_to_close": timedelta(0)}, "schedule_to_close=.* leaves no time at all"),
        ({"heartbeat": timedelta(0)}, "heartbeat=.* leaves no time at all"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused_at_the_definition(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        activity.define(**options)(pay)


def test_options_for_one_call_are_checked_too_and_leave_the_activity_alone() -> None:
    made = activity.define(timeout=SECOND, heartbeat=SECOND)(pay)

    other = made.with_options(heartbeat=2 * SECOND, schedule_to_close=9 * SECOND)

    assert (other.definition.options.timeout, other.definition.options.heartbeat) == (SECOND, 2 * SECOND)  # fmt: skip
    assert made.definition.options.heartbeat == SECOND
    assert made.definition.options.schedule_to_close is None
    none: Any = timedelta(0)
    for name in ("timeout", "schedule_to_start", "schedule_to_close", "heartbeat"):
        with pytest.raises(ArgumentError, match=rf"Activity pay: {name}=.* leaves no time at all"):
            made.with_options(**{name: none})


FLOW = """
from datetime import timedelta
from holdfast import Retry, activity, workflow

async def look(x: int) -> None: ...

@activity.define({options})
async def step(x: int) -> int:
    return x

@workflow.define
async def flow() -> int:
    return await step(1)
"""
EVERY = {
    "timeout=timedelta(seconds=1)": ("timeout_ms", 1_000),
    "schedule_to_start=timedelta(seconds=2)": ("schedule_to_start_ms", 2_000),
    "schedule_to_close=timedelta(seconds=3)": ("schedule_to_close_ms", 3_000),
    "heartbeat=timedelta(seconds=4)": ("heartbeat_ms", 4_000),
    "effect='once'": ("effect", "once"),
    "effect='once', reconcile=look": ("reconcile", True),
    "retry=Retry(jitter=0.5)": ("jitter", 0.5),
    "retry=Retry(max_attempts=5)": ("max_attempts", 5),
    "retry=Retry(non_retryable=(KeyError, 'Other'))": ("non_retryable", ["builtins.KeyError", "Other"]),
}  # fmt: skip


@pytest.mark.parametrize("options", EVERY)
async def test_a_changed_option_is_recorded_and_is_drift_on_replay(
    client: Client, module: Load, options: str
) -> None:
    plain = module("flows", FLOW.format(options=""))
    before = await client.start(plain.flow)
    await Worker(client, workflows=[plain.flow], activities=[plain.step]).run_until_idle()
    changed = module("flows", FLOW.format(options=options))
    after = await client.start(changed.flow)
    await Worker(client, workflows=[changed.flow], activities=[changed.step]).run_until_idle()

    (command, *_) = (await after.history()).turns[0].commands or ()
    assert isinstance(command, ScheduleActivity)
    key, value = EVERY[options]
    assert command.options[key] == value
    drifted = replay(await before.history(), changed.flow)
    assert [(drift.code, drift.field) for drift in drifted.drifts] == [("DR07", "options")]
    assert replay(await after.history(), changed.flow).drifts == ()


async def test_options_that_are_not_set_are_not_recorded(client: Client, module: Load) -> None:
    plain = module("flows", FLOW.format(options=""))
    handle = await client.start(plain.flow)
    await Worker(client, workflows=[plain.flow]).run_until_idle()

    (command,) = (await handle.history()).turns[0].commands or ()

    assert isinstance(command, ScheduleActivity)
    assert set(command.options) == {
        "timeout_ms", "queue", "effect", "max_attempts", "initial_ms", "backoff", "max_interval_ms", "non_retryable",
    }  # fmt: skip
