import time
import uuid
from datetime import timedelta

import requests
from restate import RunOptions, VirtualObject, Workflow, app, gather, select
from restate import Service

payment = Workflow("payment")
stock = VirtualObject("stock")
names = Service("names")


@payment.main()
async def pay(ctx, amount: int) -> str:
    def payment_gateway():
        print("calling", time.time())
        return requests.get("https://example.com", params={"amount": amount}).text

    key = str(ctx.uuid())
    now = await ctx.time()
    ctx.random().randint(1, 2)
    first = ctx.run_typed("payment", payment_gateway, RunOptions(max_attempts=3))
    second = ctx.run("again", lambda: requests.get(key).text)
    third = ctx.object_call(reserve, key="x", arg=1)
    await gather(first, second, third)
    _, promised = ctx.awakeable()
    await select(result=promised, timeout=ctx.sleep(timedelta(days=1)))
    ctx.service_send(rename, arg=key)
    await ctx.run_typed("charge", charge, RunOptions(), key)
    return f"{now}"


@stock.handler()
async def reserve(ctx, amount: int) -> None:
    ctx.set("reserved", amount)
    await ctx.get("reserved")


@names.handler()
async def rename(ctx, name: str) -> None:
    await ctx.run_typed("write", lambda: open(name, "w"))


async def charge(key: str) -> float:
    return time.time()


service = app(services=[payment, stock, names])


def start() -> None:
    print(uuid.uuid4(), time.time())
