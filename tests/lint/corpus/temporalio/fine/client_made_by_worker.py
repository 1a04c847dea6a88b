"""Fine (HF204): the client of a service belongs to the activities, which are methods of an object."""

import json
import urllib.request
from datetime import timedelta

from temporalio import activity, workflow


class Rates:
    def __init__(self, base: str) -> None:
        self.base = base

    @activity.defn
    def rate(self, currency: str) -> float:
        with urllib.request.urlopen(f"{self.base}/{currency}") as answer:
            return float(json.load(answer)["rate"])


@workflow.defn
class Convert:
    @workflow.run
    async def run(self, cents: int, currency: str) -> int:
        rate = await workflow.execute_activity_method(
            Rates.rate, currency, start_to_close_timeout=timedelta(minutes=1)
        )
        return round(cents * rate)
