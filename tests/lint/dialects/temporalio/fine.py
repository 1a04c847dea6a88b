import asyncio
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker


def heartbeats(function):
    """Beat while an activity runs."""

    async def wrapper(*args):
        beat = asyncio.create_task(beats(1))
        try:
            return await function(*args)
        finally:
            beat.cancel()
            await asyncio.wait([beat])

    return wrapper


async def beats(delay: float) -> None:
    while True:
        time.time()
        await asyncio.sleep(delay)


@activity.defn
@heartbeats
async def say(name: str) -> str:
    time.sleep(1)
    return name


async def plain(name: str) -> None:
    time.time()


@workflow.defn
class Greeting:
    def __init__(self) -> None:
        self.done = False

    @workflow.run
    async def run(self, name: str) -> str:
        started = workflow.now(), workflow.time(), workflow.random().randint(1, 2), workflow.uuid4()
        await workflow.execute_activity(say, name, start_to_close_timeout=timedelta(seconds=9))
        await workflow.execute_local_activity(plain, name, start_to_close_timeout=timedelta(1))
        handle = workflow.start_activity(say, name, start_to_close_timeout=timedelta(seconds=9))
        await workflow.wait_condition(lambda: self.done, timeout=timedelta(days=1))
        await asyncio.gather(handle, asyncio.sleep(1))
        if not workflow.unsafe.is_replaying():
            with workflow.unsafe.sandbox_unrestricted():
                report(time.time())
        workflow.logger.info("done %s", started)
        try:
            await asyncio.sleep(1)
        except BaseException as error:
            raise RuntimeError("stopped") from error
        return await handle

    @workflow.signal
    def finish(self) -> None:
        self.done = True


def report(when: float) -> None:
    print(when, time.time())


async def main() -> None:
    client = await Client.connect("localhost:7233")
    async with Worker(client, task_queue="x", workflows=[Greeting], activities=[say]):
        print(time.time())
