import time
import uuid
from datetime import timedelta
from functools import partial

import inngest
import requests

client = inngest.Inngest(app_id="shop")


@client.create_function(
    fn_id="order", trigger=inngest.TriggerEvent(event="shop/order"), on_failure=None
)
async def order(ctx: inngest.Context) -> str:
    async def fetch() -> str:
        return requests.get("https://example.com").text

    page = await ctx.step.run("fetch", fetch)
    key = await ctx.step.run("id", lambda: str(uuid.uuid4()))
    first, second = await ctx.group.parallel(
        (partial(ctx.step.run, "one", fetch), partial(ctx.step.run, "two", lambda: time.time()))
    )
    event = await ctx.step.wait_for_event("paid", event="shop/paid", timeout=timedelta(days=1))
    ctx.logger.info("paid %s", event)
    return f"{page} {key} {first} {second}"


@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="shop/sync"))
def sync(ctx: inngest.ContextSync) -> str:
    ctx.step.sleep("pause", timedelta(hours=1))
    return ctx.step.run("fetch", lambda: requests.get("https://example.com").text)


def endpoint() -> float:
    client.send_sync(inngest.Event(name="shop/order", data={"id": str(uuid.uuid4())}))
    return time.time()
