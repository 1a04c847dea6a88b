"""An order whose number is invented again by every replay."""

import os
import socket
import uuid
from dataclasses import dataclass, field

from holdfast import activity, workflow


@dataclass
class Order:
    customer: str
    number: uuid.UUID = field(default_factory=uuid.uuid4)


@activity.define(effect="once")
async def reserve(number: str, owner: str) -> bool: ...


@workflow.define(name="place-order")
async def place_order(customer: str) -> str:
    order = Order(customer=customer)  # mistake: HF121
    owner = f"{socket.gethostname()}/{os.getpid()}"  # mistake: HF122 HF122
    parcel = uuid.uuid1().hex  # mistake: HF121
    invoice = uuid.uuid5(uuid.NAMESPACE_URL, customer)
    if not await reserve(str(order.number), owner):
        return "sold out"
    return f"{parcel} {invoice}"
