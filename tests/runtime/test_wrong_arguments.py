"""What a beginner gets wrong is refused where it is written, with what was expected."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast import Client, Worker, activity, workflow
from holdfast.errors import ArgumentError, UsageError

note = workflow.Signal("note", str)
move = workflow.Update("move", int, int)
calls: dict[str, Callable[[], Any]] = {}


@activity.define
async def step(number: int) -> int:
    return number


@workflow.define
async def flow() -> None: ...


@workflow.define
async def calling(name: str) -> str:
    """Make one of the wrong calls and tell how it is refused."""
    try:
        found = calls[name]()
        if asyncio.iscoroutine(found):
            await found
    except UsageError as error:
        return error.message
    return "accepted"


async def plain(number: int) -> int:
    return number


def not_async(number: int) -> int:
    return number


any_flow: Any = flow
any_step: Any = step
any_activity: Any = activity
any_workflow: Any = workflow
any_note: Any = note
any_move: Any = move

INSIDE: dict[str, tuple[Callable[[], Any], str]] = {
    "sleep(30)": (lambda: any_workflow.sleep(30), "workflow.sleep(duration=30): expected a timedelta, for example"),
    "receive(timeout=30)": (lambda: any_note.receive(timeout=30), "Signal note: timeout=30; expected a timedelta or None, for example timedelta(seconds=30)."),
    "receive(timeout=0)": (lambda: any_note.receive(timeout=timedelta(0)), "Signal note: timeout=datetime.timedelta(0); expected a positive timedelta"),
    "wait_until(True)": (lambda: any_workflow.wait_until(True, "x"), "wait_until(predicate=True): expected a function"),  # noqa: FBT003
    "wait_until(async)": (lambda: any_workflow.wait_until(plain, "x"), "not an `async def` function"),
    "wait_until(description)": (lambda: any_workflow.wait_until(lambda: True, 5), "wait_until(description=5): expected a str"),
    "wait_until(timeout=1)": (lambda: any_workflow.wait_until(lambda: True, "x", timeout=1), "wait_until(timeout=1): expected a timedelta or None"),
    "start_child(activity)": (lambda: any_workflow.start_child(step, 1), "start_child(workflow=<activity step>): expected a function decorated with @workflow.define."),
    "start_child(function)": (lambda: any_workflow.start_child(plain, 1), "expected a function decorated with @workflow.define"),
    "start_child(timeout=5)": (lambda: any_workflow.start_child(flow, timeout=5), "start_child(timeout=5): expected a timedelta or None"),
    "start_child(queue=5)": (lambda: any_workflow.start_child(flow, queue=5), "start_child(queue=5): expected a str, the name of a queue or None"),
    "start_child(id=5)": (lambda: any_workflow.start_child(flow, id=5), "5 cannot be a run id"),
    "run_child(name)": (lambda: any_workflow.run_child("flow"), "start_child(workflow='flow')"),
    "continue_as_new(workflow=activity)": (lambda: any_workflow.continue_as_new(workflow=step), "continue_as_new(workflow=<activity step>)"),
    "map(results)": (lambda: any_workflow.map([1], [1]), "workflow.map(fn=[1]): expected an activity, an async function or a workflow."),
    "map(number)": (lambda: any_workflow.map(step, 5), "workflow.map(inputs=5): expected a list of inputs"),
    "map(def)": (lambda: any_workflow.map(not_async, [5]), "an `async def` function or a workflow."),
    "map(limit=1.5)": (lambda: any_workflow.map(step, [5], limit=1.5), "workflow.map(limit=1.5): expected a whole number, 1 or more, or None."),
    "map_settled(tolerate=-1)": (lambda: any_workflow.map_settled(step, [5], tolerate=-1), "map_settled(tolerate=-1): expected a whole number, 0 or more, or None."),
    "compensate(function)": (lambda: any_workflow.compensate(plain, 5), "expected an activity and its arguments"),
    "compensate(call)": (lambda: any_workflow.compensate(workflow.info(), 5), "expected an activity and its arguments"),
    "patched(1)": (lambda: any_workflow.patched(1), "workflow.patched(patch=1): expected a str, the id of a change."),
    "patched('')": (lambda: any_workflow.patched(""), "workflow.patched(patch=''): expected a str"),
    "publish(5)": (lambda: any_workflow.publish(5, 1), "workflow.publish: name 5; expected a str"),
    "set_attributes(list)": (lambda: any_workflow.set_attributes(["a"]), "The attributes of a run: attributes=['a']; expected a dict"),
    "set_attributes(dict of list)": (lambda: any_workflow.set_attributes({"a": [1]}), "expected a str, int, float, bool, or None"),
    "handle(value)": (lambda: any_move.handle(5), "Update move: answer=5; expected a function that takes the request."),
    "handle(check=5)": (lambda: any_move.handle(plain, check=5), "Update move: check=5; expected a function"),
    "send(run)": (lambda: any_note.send(5, "x"), "Signal note: run_id=5; expected a str, the id of a run."),
    "approval(timeout=30)": (lambda: any_workflow.approval("a", ask="?", to=["b"], answer=bool, timeout=30), "Approval 'a': timeout=30; expected a timedelta or None"),
    "approval(name=5)": (lambda: any_workflow.approval(5, ask="?", to=["b"], answer=bool), "workflow.approval(name=5): expected a str."),
    "approval(to=5)": (lambda: any_workflow.approval("a", ask="?", to=5, answer=bool), "to=5; expected a list of names"),
    "approvals(quorum=1.5)": (lambda: any_workflow.approvals("a", ask="?", to=["b"], answer=bool, quorum=1.5), "quorum=1.5; expected a number of people, 1 or more."),
    "step(too many)": (lambda: any_step(1, 2), "cannot be called so: too many positional arguments."),
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
async def test_a_wrong_call_in_a_workflow_says_what_was_expected(client: Client, name: str) -> None:
    call, words = INSIDE[name]
    calls[name] = call
    run = await client.start(calling, name)

    await Worker(client, workflows=[calling, flow], activities=[step]).run_until_idle()

    assert words in await run.result()


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


DEFINED: dict[str, tuple[Callable[[], Any], str]] = {
    "activity timeout=30": (lambda: any_activity.define(timeout=30), "activity.define(timeout=30): expected a timedelta or None, for example timedelta(seconds=30)."),
    "activity heartbeat": (lambda: any_activity.define(heartbeat="5s"), "activity.define(heartbeat='5s'): expected a timedelta or None"),
    "activity retry=3": (lambda: any_activity.define(retry=3), "activity.define(retry=3): expected a Retry, for example Retry(max_attempts=5)."),
    "activity queue=3": (lambda: any_activity.define(queue=3), "activity.define(queue=3): expected a str, the name of a queue or None."),
    "activity effect": (lambda: any_activity.define(effect=["once"]), "expected one of 'pure', 'idempotent', 'once'."),
    "activity name=5": (lambda: any_activity.define(name=5), "name=5"),
    "activity of a value": (lambda: any_activity.define(5), "needs an `async def` or `def` function; 5 is not one."),
    "activity of a class": (lambda: any_activity.define()(int), "<class 'int'> is not one."),
    "activity of a workflow": (lambda: any_activity.define(flow), "<workflow flow> is not one."),
    "activity of what cannot be shown": (lambda: any_activity.define(timeout=Unshowable()), "timeout=<Unshowable, whose repr raises RuntimeError>"),
    "with_options timeout=30": (lambda: any_step.with_options(timeout=30), "Activity step: timeout=30; expected a timedelta or None"),
    "with_options retry": (lambda: any_step.with_options(retry={"max_attempts": 3}), "Activity step: retry={'max_attempts': 3}; expected a Retry"),
    "workflow of a def": (lambda: any_workflow.define(not_async), "needs an `async def` function"),
    "workflow of an activity": (lambda: any_workflow.define(step), "<activity step> is not one."),
    "workflow of a workflow": (lambda: any_workflow.define(flow), "<workflow flow> is not one."),
    "workflow name": (lambda: any_workflow.define(name=""), "workflow.define(name=''): expected a str"),
    "workflow fails_on": (lambda: any_workflow.define(fails_on=ValueError), "workflow.define(fails_on=<class 'ValueError'>): expected a list of exception classes."),
    "workflow fails_on names": (lambda: any_workflow.define(fails_on=["ValueError"]), "and 'ValueError' is none."),
    "workflow fails_on int": (lambda: any_workflow.define(fails_on=[int]), "workflow.define(fails_on=<class 'int'>)"),
    "workflow retired": (lambda: any_workflow.define(retired_patches="pdf-v2"), "workflow.define(retired_patches='pdf-v2'): expected a list of ids of patches."),
    "workflow retry_budget": (lambda: any_workflow.define(retry_budget=1.5), "workflow.define(retry_budget=1.5): expected a number of retries, 0 or more, or None."),
    "signal name": (lambda: any_workflow.Signal("", str), "Signal: name ''; expected a str"),
    "signal type": (lambda: any_workflow.Signal("note", 5), "Signal note: type=5; expected a type, for example str, list[int] or a model."),
    "signal type instance": (lambda: any_workflow.Signal("note", "hello world"), "Signal note: type='hello world'; expected a type"),
    "update request": (lambda: any_workflow.Update("move", 5, int), "Update move: request=5; expected a type"),
    "update reply": (lambda: any_workflow.Update("move", int, [int]), "Update move: reply=[<class 'int'>]; expected a type"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFINED)
def test_a_wrong_definition_says_what_was_expected(name: str) -> None:
    define, words = DEFINED[name]

    with pytest.raises(ArgumentError) as refused:
        define()

    assert words in refused.value.message


WORKERS: dict[str, tuple[dict[str, Any], str]] = {
    "an activity as workflow": ({"workflows": [step]}, "Worker(workflows=[<activity step>]): expected a list of workflows, and <activity step> is none."),
    "a workflow as activity": ({"activities": [flow]}, "expected a list of activities, and <workflow flow> is none."),
    "a plain function": ({"activities": [plain]}, "expected a list of activities"),
    "no list": ({"workflows": flow}, "Worker(workflows=<workflow flow>): expected a list of workflows."),
    "names": ({"workflows": "flow"}, "Worker(workflows='flow'): expected a list of workflows."),
    "retain": ({"retain": 30}, "Worker(retain=30): expected a Retention(older_than=…, to=…)."),
    "queue": ({"queue": 5}, "Worker(queue=5): expected the name of a queue, or a list of several names."),
    "no queue": ({"queue": None}, "Worker(queue=None): expected the name of a queue"),
    "slots": ({"slots": 0}, "Worker(slots=0): expected a whole number, 1 or more."),
    "too many slots": ({"slots": 2**31}, "Worker(slots=2147483648): expected a whole number, at most 2147483647."),
    "half a slot": ({"slots": 0.5}, "Worker(slots=0.5)"),
    "lease": ({"lease": 15}, "Worker(lease=15): expected a timedelta, for example timedelta(seconds=15)."),
    "short lease": ({"lease": timedelta(0)}, "expected a timedelta of 0:00:00.100000 or more."),
    "poll": ({"poll": 0.1}, "Worker(poll=0.1): expected a timedelta, for example timedelta(seconds=0.1)."),
    "drain": ({"drain": None}, "Worker(drain=None): expected a timedelta"),
    "negative drain": ({"drain": -timedelta(1)}, "a timedelta that is not negative."),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKERS)
def test_a_wrong_setting_of_a_worker_says_what_was_expected(client: Client, name: str) -> None:
    options, words = WORKERS[name]

    with pytest.raises(ArgumentError) as refused:
        Worker(client, **options)

    assert words in refused.value.message


def test_a_worker_needs_a_client_and_a_client_a_database(tmp_path: Path) -> None:
    wrong: Any = str(tmp_path)
    with pytest.raises(ArgumentError, match=r"Worker\(client='.*'\): expected a holdfast.Client"):
        Worker(wrong)
    number: Any = 5
    with pytest.raises(ArgumentError, match=r"Client\(url=5\): expected a path or a URL"):
        Client(number)
    codec: Any = "zlib"
    with pytest.raises(ArgumentError, match=r"Client\(codecs='zlib'\): expected a list such as"):
        Client(tmp_path / "a.db", codecs=codec)
    for limit in (0, "5", True, 1.5):
        given: Any = limit
        with pytest.raises(ArgumentError, match=r"Client\(payload_limit=.*a number of bytes, 1"):
            Client(tmp_path / "a.db", payload_limit=given)


ASKED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "start an activity": (lambda c: c.start(step, 1), "<activity step> is not a workflow."),
    "start a function": (lambda c: c.start(plain, 1), "is not a workflow."),
    "start timeout=30": (lambda c: c.start(flow, timeout=30), "start(timeout=30): expected a timedelta or None"),
    "start queue=5": (lambda c: c.start(flow, queue=5), "start(queue=5): expected a str, the name of a queue."),
    "start queue=''": (lambda c: c.start(flow, queue=""), "start(queue=''): expected a str"),
    "start id=5": (lambda c: c.start(flow, id=5), "5 cannot be a run id"),
    "start at a delay": (lambda c: c.start(flow, start_at=timedelta(1)), "expected a datetime with a time zone"),
    "start at no zone": (lambda c: c.start(flow, start_at=datetime(2026, 1, 1)), "has no time zone"),  # noqa: DTZ001
    "start attributes": (lambda c: c.start(flow, attributes="acme"), "The attributes of a run: attributes='acme'; expected a dict"),
    "start retry_budget": (lambda c: c.start(flow, retry_budget="3"), "start(retry_budget='3'): expected a number of retries, 0 or more, or None."),
    "result timeout=5": (lambda c: c.get("r").result(timeout=5), "result(timeout=5): expected a timedelta or None"),
    "signal a run handle": (lambda c: c.signal(c.get("r"), note, "x"), "run_id=<run r>; expected its id, a str such as handle.id."),
    "signal=5": (lambda c: c.signal("r", 5, "x"), "signal(signal=5): expected a workflow.Signal or its name."),
    "signal of an update": (lambda c: c.signal("r", move, 1), "expected a workflow.Signal or its name."),
    "signal message=5": (lambda c: c.signal("r", note, "x", message=5), "signal(message=5): expected a str, the id of a message or None."),
    "update by name": (lambda c: c.update("r", "move", 1), "update(update='move'): expected a workflow.Update"),
    "update timeout=5": (lambda c: c.update("r", move, 1, timeout=5), "update(timeout=5): expected a timedelta or None"),
    "query a handle": (lambda c: c.query(c.get("r"), "x"), "run_id=<run r>; expected its id, a str such as handle.id."),
    "decide by=None": (lambda c: c.decide("r", "a", True, by=None), "needs 1 to 200 characters"),  # noqa: FBT003
    "decide a handle": (lambda c: c.decide(c.get("r"), "a", True, by="ana"), "run_id=<run r>; expected its id, a str such as handle.id."),  # noqa: FBT003
    "pause by=None": (lambda c: c.pause("r", by=None), "pause(by=…) needs 1 to 200 characters"),
    "cancel a handle": (lambda c: c.cancel(c.get("r")), "run_id=<run r>; expected its id, a str such as handle.id."),
    "cancel reason": (lambda c: c.cancel("r", reason=5), "cancel(reason=5): expected a str"),
    "terminate a handle": (lambda c: c.terminate(c.get("r")), "run_id=<run r>; expected its id, a str such as handle.id."),
    "describe a handle": (lambda c: c.describe(c.get("r")), "run_id=<run r>; expected its id, a str such as handle.id."),
    "history of nothing": (lambda c: c.history(None), "run_id=None; expected its id, a str such as handle.id."),
    "fork at='1'": (lambda c: c.fork("r", at="1"), "fork(at='1'): expected the number of a turn, 0 or more."),
    "fork keys": (lambda c: c.fork("r", at=1, keys="old"), "fork(keys='old'): expected one of 'keep', 'new'."),
    "resolve nothing": (lambda c: c.resolve(None), "run_id=None; expected its id, a str such as handle.id."),
    "list health": (lambda c: c.list(health="stuk"), "list(health='stuk'): expected a family (stuck, person, retrying, waiting, working, closed) or a code such as stuck.no_worker."),
    "list health=5": (lambda c: c.list(health=5), "list(health=5)"),
    "list health list": (lambda c: c.list(health=["stuck"]), "list(health=['stuck'])"),
    "list status": (lambda c: c.list(health="failed"), "list(health='failed')"),
    "list limit=-1": (lambda c: c.list(limit=-1), "list(limit=-1): expected a whole number, 1 or more."),
    "list limit=0": (lambda c: c.list(limit=0), "list(limit=0)"),
    "list limit=None": (lambda c: c.list(limit=None), "list(limit=None)"),
    "list workflow": (lambda c: c.list(workflow=flow), "list(workflow=<workflow flow>): expected a str, the name of a workflow or None."),
    "list prefix": (lambda c: c.list(prefix=None), "list(prefix=None): expected a str, the beginning of a run id."),
    "list past": (lambda c: c.list(past="orders.py"), "list(past='orders.py'): expected a file and a line"),
    "list before": (lambda c: c.list(before="r"), "list(before='r'): expected (created_at, id)"),
    "list where": (lambda c: c.list(where="customer=acme"), "list(where='customer=acme'): expected a dict"),
    "list where list": (lambda c: c.list(where={"customer": ["acme"]}), "where={'customer': ['acme']}: expected the key"),
    "list where None": (lambda c: c.list(where={"customer": None}), "where={'customer': None}"),
    "list where nan": (lambda c: c.list(where={"amount >": float("nan")}), "where={'amount >': nan}"),
    "list where operator": (lambda c: c.list(where={"amount ==": 5}), "where={'amount ==': 5}"),
    "list where key": (lambda c: c.list(where={5: 5}), "where={5: 5}"),
    "list where order of booleans": (lambda c: c.list(where={"paid >": True}), "where={'paid >': True}"),
    "approvals limit": (lambda c: c.approvals(limit=-5), "approvals(limit=-5): expected a whole number, 1 or more."),
    "approvals run_id": (lambda c: c.approvals(run_id=5), "approvals(run_id=5): expected a str, the id of a run or None."),
    "resolve_activity seq": (lambda c: c.resolve_activity("r", "1", by="ana", retry=True), "resolve_activity(seq='1'): expected the number of an activity"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
async def test_a_wrong_call_of_a_client_says_what_was_expected(client: Client, name: str) -> None:
    ask, words = ASKED[name]
    await client.start(flow, id="r")

    with pytest.raises(UsageError) as refused:
        await ask(client)

    assert words in refused.value.message


def test_a_handle_needs_the_id_of_a_run_and_its_workflow(client: Client) -> None:
    wrong: Any = step
    with pytest.raises(ArgumentError, match=r"get\(workflow=<activity step>\)"):
        client.get("r", wrong)
    number: Any = 5
    with pytest.raises(ArgumentError, match=r"get\(run_id=5\): expected a str, the id of a run"):
        client.get(number)
