import time
from datetime import timedelta

from holdfast import Client, activity, workflow

Paid = workflow.Signal("paid", int)


@activity.define
def look_up(customer: str) -> float:
    time.sleep(1)
    return time.time()


@workflow.define
async def order(customer: str) -> str:
    workflow.now(), workflow.random().random(), workflow.uuid4()
    child = workflow.start_child(other, customer, id="other")
    await child.signal(Paid, 1)
    await workflow.wait_until(lambda: True, "nothing")
    await Paid.receive(timeout=timedelta(days=1))
    await workflow.approval("pay", ask="Pay?", to=["anna"], answer=bool, timeout=timedelta(days=1))
    await look_up(customer)
    return await child.result()


@workflow.define
async def other(customer: str) -> str:
    return customer


def main() -> None:
    print(time.time())
    Client("sqlite:///x.db").start(order, "x")
