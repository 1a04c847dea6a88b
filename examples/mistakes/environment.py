"""A refund that depends on how the worker was started."""

import os
import sys
from os import environ

from holdfast import activity, workflow

LIMIT = int(os.getenv("REFUND_LIMIT", "100"))


@activity.define(effect="once")
async def pay_back(order: str, region: str) -> None:
    os.environ["LAST_REFUND"] = order


@workflow.define
async def refund(order: str, amount: int) -> str:
    region = os.environ.get("REGION", "eu")  # mistake: HF201
    if amount > LIMIT and "FORCE" not in environ:  # mistake: HF201
        return "too much"
    if "--dry-run" in sys.argv:  # mistake: HF207
        return "dry run"
    if input("Really? ") != "yes":  # mistake: HF207
        return "declined"
    os.environ["REFUNDING"] = order  # mistake: HF202
    await pay_back(order, region)
    return "paid back"
