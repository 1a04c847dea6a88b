"""HF204: a helper in the same module fetches the exchange rate over the network."""

import json
import urllib.request
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def book(account: str, cents: int) -> None:
    activity.logger.info("%s: %s", account, cents)


def rate(currency: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:9/rates/{currency}") as answer:  # mistake: HF204
        return float(json.load(answer)["rate"])


@workflow.defn
class BookForeignInvoice:
    @workflow.run
    async def run(self, account: str, cents: int, currency: str) -> int:
        converted = round(cents * rate(currency))
        await workflow.execute_activity(
            book, args=[account, converted], start_to_close_timeout=timedelta(minutes=1)
        )
        return converted
