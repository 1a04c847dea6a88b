"""HF912 or HF911: a POST without an idempotency key is tried again after a timeout, and orders twice."""

import json
import urllib.request
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy


@activity.defn
def place_order(article: str, pieces: int) -> str:
    request = urllib.request.Request(
        "https://supplier.example.org/orders",
        data=json.dumps({"article": article, "pieces": pieces}).encode(),
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # mistake: HF912 or HF911
        return json.load(answer)["order"]


@workflow.defn
class Restock:
    @workflow.run
    async def run(self, article: str, pieces: int) -> str:
        return await workflow.execute_activity(  # also: HF911 or HF912
            place_order,
            args=[article, pieces],
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_attempts=10),
        )
