import random
import time
import uuid
from datetime import datetime

import vercel.workflow
from pydantic import BaseModel
from vercel import workflow
from vercel.workflow import BaseHook, Workflows

workflows = Workflows()
others = vercel.workflow.Workflows(as_vercel_job=False)


class Approval(BaseModel, BaseHook):
    ok: bool


@workflows.step
async def charge(amount: int) -> float:
    return time.time()


@workflows.step(max_retries=3)
async def ship(amount: int) -> float:
    return time.time()


@workflows.workflow
async def order(amount: int) -> str:
    charge(amount)  # finds HF702
    await ship(amount)
    workflow.sleep("1h")  # finds HF702
    answer = await Approval.wait(token=str(uuid.uuid4()))  # finds HF121
    await helper()
    return f"{answer} {datetime.now()}"  # finds HF101


@others.workflow
async def nightly() -> None:
    random.random()  # finds HF111


async def helper() -> None:
    time.time()  # finds HF101
