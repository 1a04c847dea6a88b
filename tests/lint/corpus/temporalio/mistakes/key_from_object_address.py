"""HF123: the key of the payment is the address of an object in memory."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow


@dataclass
class Payment:
    order: str
    cents: int


@activity.defn
async def pay(payment: Payment, key: str) -> None:
    activity.logger.info("%s: %s", key, payment.cents)


@workflow.defn
class PayOrder:
    @workflow.run
    async def run(self, payment: Payment) -> None:
        key = f"pay-{id(payment)}"  # mistake: HF123
        await workflow.execute_activity(
            pay, args=[payment, key], start_to_close_timeout=timedelta(minutes=1)
        )
