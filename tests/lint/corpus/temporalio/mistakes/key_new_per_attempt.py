"""HF913: each attempt makes another idempotency key, so a retry charges again."""

import json
import urllib.request
import uuid
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
def charge_card(card: str, cents: int) -> str:
    request = urllib.request.Request(
        "https://payments.example.org/charges",
        data=json.dumps({"card": card, "cents": cents}).encode(),
        headers={"Idempotency-Key": str(uuid.uuid4())},  # mistake: HF913
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


@workflow.defn
class ChargeCard:
    @workflow.run
    async def run(self, card: str, cents: int) -> str:
        return await workflow.execute_activity(
            charge_card, args=[card, cents], start_to_close_timeout=timedelta(minutes=1)
        )
