"""HF407: who hears of the release depends on what the garbage collector has left in a weak set."""

from weakref import WeakSet

from holdfast import activity, workflow


class Subscriber:
    def __init__(self, address: str) -> None:
        self.address = address


SUBSCRIBERS: WeakSet[Subscriber] = WeakSet()


@activity.define
async def announce(address: str, version: str) -> None: ...


@workflow.define
async def release(version: str) -> None:
    for subscriber in SUBSCRIBERS:  # mistake: HF407 or HF401
        await announce(subscriber.address, version)
