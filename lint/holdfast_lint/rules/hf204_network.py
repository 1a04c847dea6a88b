"""Network clients."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF204",
    name="network",
    what=(
        "A workflow talks to the network: requests, httpx, aiohttp, urllib, sockets, mail, cloud and model "
        "clients."
    ),
    why=(
        "Every replay would send the request again and could get another answer. In an activity it is sent "
        "once, retried on failure, and its answer is recorded."
    ),
    check=effects("HF204", "{name} talks to the network, and every replay would do it again"),
    bad=(
        """\
import httpx

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"https://shop.example/{customer}")
    return answer.text
""",
        """\
import requests as http

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return http.get(f"https://shop.example/{customer}").text
""",
        """\
from openai import AsyncOpenAI

CLIENT = AsyncOpenAI()


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    answer = await CLIENT.chat.completions.create(model="m", messages=[])
    return str(answer)
""",
    ),
    good=(
        """\
import httpx

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(customer)).text


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
        """\
import httpx

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(httpx.URL("https://shop.example").join(customer))
""",
    ),
)
