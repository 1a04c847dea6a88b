"""What a history keeps of an error is what a person needs to know of it."""

import asyncio

import pytest

from holdfast import ActivityError, ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast._core.failures import text_of
from holdfast.errors import RunFailedError


@activity.define(retry=Retry(max_attempts=1))
async def charge(card: str) -> None:
    raise ConnectionError(f"no answer for {card}")


@workflow.define
async def grouped() -> None:
    async with asyncio.TaskGroup() as group:
        for card in ("visa", "amex"):
            group.create_task(charge(card))


async def test_a_run_that_fails_by_a_group_of_errors_names_each_of_them(client: Client) -> None:
    run = await client.start(grouped)
    await Worker(client, workflows=[grouped], activities=[charge]).run_until_idle()

    with pytest.raises(RunFailedError) as failed:
        await run.result()

    assert "ExceptionGroup: unhandled errors in a TaskGroup (1 error): ActivityError: " in failed.value.message  # fmt: skip
    assert "ConnectionError: no answer for visa" in failed.value.message


def test_groups_in_groups_are_told_by_their_leaves() -> None:
    inner = ExceptionGroup("inner", [KeyError("a"), ApplicationError("b")])
    deep = BaseExceptionGroup("outer", [inner, asyncio.CancelledError(), ActivityError("c")])

    assert text_of(deep) == (
        "outer (4 errors): KeyError: 'a'; ApplicationError: b; CancelledError: ; ActivityError: c"
    )


def test_of_many_errors_the_first_are_told_and_the_others_counted() -> None:
    many = ExceptionGroup("many", [ValueError(str(number)) for number in range(13)])

    assert text_of(many).startswith("many (13 errors): ValueError: 0; ValueError: 1; ")
    assert text_of(many).endswith("; ValueError: 9; and 3 more")
