"""Lists come in one order on both stores, whatever the collation of a Postgres database is."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from holdfast import Client, Worker, workflow
from holdfast._examining import examine
from holdfast.schedules import Interval

NAMES = ("ann", "Zoe", "émile", "_x", "b")  # in no order that a language has
IN_ORDER = ["Zoe", "_x", "ann", "b", "émile"]


@workflow.define
async def flow() -> None:
    for name in NAMES:
        workflow.publish(name, 1)
    await workflow.sleep(timedelta(days=1))


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Give the statements that are sent to databases."""
    sent: list[str] = []

    def sending(
        _conn: object,
        _cursor: object,
        statement: str,
        _given: object,
        _context: object,
        _many: object,
    ) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", sending)
    yield sent
    event.remove(Engine, "before_cursor_execute", sending)


async def test_runs_schedules_and_names_are_listed_by_the_numbers_of_their_characters(
    client: Client,
) -> None:
    worker = Worker(client, workflows=[flow])
    for name in NAMES:
        await client.start(flow, id=name, attributes=dict.fromkeys(NAMES, name))
        await client.create_schedule(name, flow, spec=Interval(every=timedelta(days=1)))
        await client.set_limit(name, at_once=1)
    await worker.run_until_idle()
    pages, before = [], None
    while page := await client.list(before=before, limit=2):
        pages += [run.id for run in page]
        before = (page[-1].created_at, page[-1].id)

    assert pages == IN_ORDER[::-1]
    assert [item.id for item in await client.list_schedules()] == IN_ORDER
    assert [item.id for item in await client.list_schedules(after="_x")] == IN_ORDER[2:]
    assert [item.name for item in await client.limits()] == IN_ORDER
    detail = await client.describe("ann")
    assert list(detail.attributes) == list(detail.published) == IN_ORDER
    assert examine(client.database).runs[0].example == "Zoe"


async def test_a_postgres_is_told_that_order_whatever_its_own_is(
    postgres_url: str, statements: list[str]
) -> None:
    async with Client(postgres_url) as client:
        await client.list(where={"customer >": "m"}, before=(1, "x"))
        await client.list_schedules(after="a")
        await client.limits()
        await client.approvals()
        await client.start(flow, id="r")
        await client.describe("r")
        examine(client.database)
    sent = " ".join(" ".join(statements).split())

    for told in (
        'attribute.text COLLATE "C" > ',
        'run.id COLLATE "C" < ',
        'ORDER BY run.created_at DESC, run.id COLLATE "C" DESC',
        'schedule.id COLLATE "C" > ',
        'ORDER BY schedule.id COLLATE "C"',
        'ORDER BY key_limit.name COLLATE "C"',
        'approval.run_id COLLATE "C", approval.seq',
        'ORDER BY attribute.key COLLATE "C"',
        'ORDER BY published.key COLLATE "C"',
        'ORDER BY run.created_at, run.id COLLATE "C"',
        'min(run.id COLLATE "C")',
        'ORDER BY run.queue COLLATE "C", run.workflow COLLATE "C"',
    ):
        assert told in sent


async def test_a_place_in_the_code_has_upper_and_lower_case(client: Client) -> None:
    await client.start(flow, id="r")
    await Worker(client, workflows=[flow]).run_until_idle()
    (line,) = {item.site.split(" in ")[0] for item in (await client.describe("r")).evidence.waits}
    name = line.rpartition("/")[2]

    assert [run.id for run in await client.list(past=line)] == ["r"]
    assert [run.id for run in await client.list(past=name)] == ["r"]
    assert await client.list(past=name.upper()) == []
    assert await client.list(past=name[1:]) == []
