"""Fine (HF204): a library of the network is imported for a type and for its exceptions alone."""

from typing import TYPE_CHECKING

from holdfast import activity, workflow

if TYPE_CHECKING:
    import httpx


def describe(answer: "httpx.Response | None") -> str:
    return "no answer" if answer is None else str(answer.status_code)


@activity.define
async def ping(host: str) -> bool: ...


@workflow.define
async def check(host: str) -> str:
    return "up" if await ping(host) else describe(None)
