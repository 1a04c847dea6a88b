"""Other runs for the demonstration's dashboard: one sleeps, one retries, one has no worker."""

import asyncio
from datetime import timedelta

from holdfast import Retry, activity, workflow
from research_agent.activities.calls import get_json

NAP = timedelta(hours=6)


@activity.define(
    timeout=timedelta(seconds=30),
    retry=Retry(initial=timedelta(seconds=2), max_interval=timedelta(seconds=30)),
    effect="pure",
)
async def fetch_prices(url: str) -> int:
    """Read the supplier's price list; return how many prices it has."""
    return len(await get_json(url, {}))


@activity.define(queue="gpu", effect="pure")
def transcribe(recording: str) -> str:
    """Turn a recording into text; only workers of the queue `gpu` could."""
    raise NotImplementedError(f"No worker of this demonstration can transcribe {recording}.")


@workflow.define
async def remind(customer: str) -> str:
    """Ask a customer, hours later, whether the report was of use."""
    await asyncio.sleep(NAP.total_seconds())
    return f"It is time to ask {customer} about the report."


@workflow.define
async def sync_prices(url: str) -> int:
    """Copy the supplier's prices, however long the supplier is out of order."""
    return await fetch_prices(url)


@workflow.define
async def transcribe_call(recording: str) -> str:
    """Write down what was said in a call."""
    return await transcribe(recording)
