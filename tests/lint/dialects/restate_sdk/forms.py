import asyncio
import random
import time
import uuid
from datetime import timedelta

import restate
from restate import ObjectContext, Service, VirtualObject, Workflow, WorkflowSharedContext
from restate.extensions import current_context

greeter = Service("Greeter")
cart = VirtualObject("Cart")
signup = Workflow("Signup")


@greeter.handler()
async def greet(ctx: restate.Context, name: str) -> str:
    await asyncio.sleep(1)  # finds HF305
    ctx.sleep(timedelta(seconds=1))  # finds HF702
    ctx.run_typed("charge", lambda: time.time())  # finds HF702
    await ctx.run_typed("named", str, restate.RunOptions(), f"{time.time()}")  # finds HF101
    try:
        await ctx.sleep(timedelta(seconds=1))
    except restate.SdkInternalBaseException:  # finds HF712
        pass
    return f"{time.time()}"  # finds HF101


@cart.handler("addItem", kind="exclusive")
async def add(ctx: ObjectContext, item: str) -> None:
    ctx.set("id", str(uuid.uuid4()))  # finds HF121
    await helper(ctx)


@signup.main()
async def run(context, user) -> None:
    random.random()  # finds HF111
    context.sleep(timedelta(days=1))  # finds HF702


@signup.handler()
async def click(ctx: WorkflowSharedContext, secret: str) -> None:
    time.time()  # finds HF101
    ctx.promise("clicked").resolve(secret)  # finds HF702


async def helper(ctx: restate.ObjectContext) -> None:
    time.time()  # finds HF101
    await ctx.run_typed("nothing", lambda: time.time())
    ambient = current_context()
    ambient.sleep(timedelta(seconds=1))  # finds HF702
