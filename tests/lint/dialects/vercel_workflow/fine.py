import asyncio
import time

import requests
from pydantic import BaseModel
from vercel import workflow

workflows = workflow.Workflows()


class Paid(workflow.BaseHook, BaseModel):
    amount: int


@workflows.step
async def fetch(url: str) -> str:
    print(time.time())
    return requests.get(url).text


@workflows.workflow
async def order(url: str) -> str:
    started = workflow.now(), workflow.time_ns(), workflow.random().random()
    await asyncio.sleep(1)
    first, second = await asyncio.gather(fetch(url), fetch(url))
    async for paid in Paid.wait(token="order"):
        first += f"{paid}"
    await workflow.set_attributes(phase="done")
    return f"{started} {first} {second}"


async def endpoint(url: str) -> float:
    await workflow.start(order, url)
    return time.time()
