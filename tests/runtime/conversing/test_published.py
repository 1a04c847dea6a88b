"""Values and attributes are read without the run's code, after its end too, and over its continuations."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.runtime.conftest import assert_every_cut_replays, served

from holdfast import Client, Worker, workflow
from holdfast.errors import ArgumentError, PayloadError, UnknownKeyError, UnknownRunError

go = workflow.Signal("go", str)


@workflow.define
async def shown(rounds: int) -> str:
    if workflow.info().previous is None:
        workflow.publish("step", {"n": 1})
        workflow.publish("step", {"n": 2})
        workflow.set_attributes({"stage": "open", "customer": None})
    await go.receive()
    if rounds > 1:
        workflow.continue_as_new(rounds - 1)
    workflow.set_attributes({"stage": f"after {sorted(workflow.info().attributes)}"})
    return "end"


@workflow.define
async def idle() -> None:
    return None


@workflow.define
async def hostile(key: str, kind: str) -> None:
    values: dict[str, Any] = {"plain": 1, "huge": 10**400, "list": [1], "long": "x" * 3000}
    workflow.set_attributes({key: values[kind]})


ALL: list[workflow.Workflow[Any, Any]] = [shown, idle, hostile]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL)


@pytest.mark.construct("values are read without a worker")
async def test_published_values_are_read_while_nothing_runs_and_after_the_end(
    client: Client, worker: Worker
) -> None:
    run = await client.start(shown, 2, attributes={"customer": "acme", "amount": 5})
    await worker.run_until_idle()

    assert await run.query("step") == {"n": 2}
    with pytest.raises(UnknownKeyError, match="published: step"):
        await run.query("nothing")
    with pytest.raises(UnknownRunError):
        await client.query("nobody", "step")

    await run.signal(go, "on")
    await worker.run_until_idle()
    assert await client.query(f"{run.id}~2", "step") == {"n": 2}
    await run.signal(go, "on")
    assert await served(worker, run.result()) == "end"
    assert await run.query("step") == {"n": 2}
    attributes = (await client.describe(f"{run.id}~2")).attributes
    assert attributes == {"amount": 5, "stage": "after ['amount', 'stage']"}
    await assert_every_cut_replays(run, shown)
    await assert_every_cut_replays(client.get(f"{run.id}~2"), shown)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"customer": "acme"}, {"a", "b"}),
        ({"customer !=": "acme"}, {"c"}),
        ({"amount": 100}, {"b"}),
        ({"amount !=": 100}, {"a", "c"}),
        ({"amount >": 99.5}, {"b", "c"}),
        ({"amount>=": 100}, {"b", "c"}),
        ({"amount <": 100}, {"a"}),
        ({"amount <=": 100}, {"a", "b"}),
        ({"paid": True}, {"a"}),
        ({"paid": False}, {"b"}),
        ({"customer": "acme", "amount >": 10}, {"b"}),
        ({"customer": "' or 1=1 --"}, set()),
        ({"unknown": "x"}, set()),
    ],
)
async def test_runs_are_found_by_their_attributes(
    client: Client, where: dict[str, Any], found: set[str]
) -> None:
    await client.start(idle, id="a", attributes={"customer": "acme", "amount": 9, "paid": True})
    await client.start(idle, id="b", attributes={"customer": "acme", "amount": 100, "paid": False})
    await client.start(idle, id="c", attributes={"customer": "émile", "amount": 100.5})

    assert {run.id for run in await client.list(where=where)} == found


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"name <": "a"}, {"Zoe", "_x"}),
        ({"name >=": "a"}, {"ann", "émile", "😀"}),
        ({"name >": "Z"}, {"Zoe", "_x", "ann", "émile", "😀"}),
        ({"name <=": "z"}, {"Zoe", "_x", "ann"}),
    ],
)
async def test_texts_are_compared_by_the_numbers_of_their_characters_on_both_stores(
    client: Client, where: dict[str, Any], found: set[str]
) -> None:
    for name in ("ann", "Zoe", "émile", "_x", "😀"):
        await client.start(idle, id=name, attributes={"name": name})

    assert {run.id for run in await client.list(where=where)} == found


@pytest.mark.parametrize(
    "attributes",
    [
        {"": 1},
        {"amount>": 1},
        {" x": 1},
        {"n": 10**400},
        {"n": [1]},
        {"n": float("nan")},
        {"t": "x" * 2001},
        {"\ud800": 1},
        {"t": "\ud800"},
        {7: 1},
    ],
)
async def test_attributes_that_could_not_be_found_again_are_refused(
    client: Client, attributes: Any
) -> None:
    with pytest.raises((ArgumentError, PayloadError)):
        await client.start(idle, attributes=attributes)
    assert await client.list() == []


@pytest.mark.parametrize("where", [{"": 1}, {"amount": None}, {"amount": 10**400}, {">=": 1}])
async def test_a_question_that_makes_no_sense_is_refused(client: Client, where: Any) -> None:
    with pytest.raises(ArgumentError):
        await client.list(where=where)


@pytest.mark.parametrize("kind", ["huge", "list", "long"])
async def test_a_workflow_that_sets_a_wrong_attribute_is_told_at_its_line(
    client: Client, worker: Worker, kind: str
) -> None:
    run = await client.start(hostile, "k", kind)
    await worker.run_until_idle()

    verdict = (await run.describe()).summary.verdict
    assert "Attribute 'k'" in verdict.why
    assert "in hostile" in verdict.worst.site or "test_published.py" in verdict.worst.site


@dataclass(frozen=True)
class Item:
    name: str


@workflow.define
async def typed() -> list[str]:
    workflow.publish("item", Item("tea"))
    workflow.publish("seen", {3, 1}, type=set[int])
    workflow.publish("items", [Item("tea")], type=list[Item])
    refused = []
    for value in ({3, 1}, [Item("tea")]):
        with pytest.raises(PayloadError) as caught:
            workflow.publish("kept", value)
        refused.append(caught.value.message)
    return refused


async def test_a_value_that_is_no_plain_json_comes_back_by_its_type_or_is_refused(
    client: Client,
) -> None:
    run = await client.start(typed)
    await Worker(client, workflows=[typed]).run_until_idle()

    refused = await run.result()
    assert "Say its type, for example workflow.publish('kept', …, type=set[int])" in refused[0]
    assert "would come back as [1, 3] (list)" in refused[0]
    assert await run.query("seen") == [1, 3]
    assert await run.query("seen", type=set[int]) == {1, 3}
    assert await client.query(run.id, "item", type=Item) == Item("tea")
    assert await run.query("items", type=list[Item]) == [Item("tea")]
    with pytest.raises(PayloadError, match=r"The published value item of run .* as int"):
        await run.query("item", type=int)
    assert set(await client.published(run.id)) == {"item", "seen", "items"}
