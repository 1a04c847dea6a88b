"""A trial subscription that ends by the clock of whichever worker looks."""

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import formatdate

from holdfast import activity, workflow

TRIAL = timedelta(days=14)


@dataclass
class Trial:
    customer: str
    started: datetime


@activity.define(timeout=timedelta(seconds=30), effect="idempotent")
async def send_mail(customer: str, subject: str, sent: str) -> None:
    print(f"{datetime.now():%H:%M} to {customer}: {subject}")


@workflow.define
async def trial(customer: str) -> str:
    begun = time.perf_counter()  # mistake: HF102
    current = Trial(customer=customer, started=datetime.now())  # mistake: HF101
    await send_mail(customer, "Welcome", formatdate())  # mistake: HF103

    await workflow.sleep(TRIAL - timedelta(days=3))
    if datetime.utcnow() > current.started + TRIAL:  # mistake: HF101
        return "ended"
    await send_mail(customer, "Three days left", time.strftime("%d %B"))  # mistake: HF103
    workflow.logger.info("took %s", time.perf_counter() - begun)  # mistake: HF102
    return f"ends in {date.today():%B}"  # mistake: HF101
