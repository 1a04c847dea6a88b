import random
import time
from datetime import datetime, timedelta

import temporalio.workflow
from temporalio import activity, workflow
from temporalio.workflow import run as entry

with workflow.unsafe.imports_passed_through():
    import requests


@activity.defn(name="say")
async def say(name: str) -> str:
    time.time()
    return requests.get(name).text


class Activities:
    @activity.defn
    def write(self) -> float:
        return time.time()


class Clock:
    def read(self) -> float:
        return time.time()  # finds HF101


@workflow.defn(name="greeting", sandboxed=False)
class Greeting:
    def __init__(self) -> None:
        self.started = time.time()  # finds HF101
        self.clock = Clock()

    @workflow.run
    async def run(self, name: str) -> str:
        self.started = datetime.now()  # finds HF101
        self.clock.read()
        await workflow.wait_condition(lambda: self.later() > 0)
        workflow.set_signal_handler("late", self.late)
        workflow.set_query_handler("seen", handler=lambda: time.time())  # finds HF101
        workflow.execute_activity(say, name, start_to_close_timeout=timedelta(1))  # finds HF702
        handle = await workflow.start_child_workflow(Other.run, name, id="other")
        handle.signal(Greeting.poke)  # finds HF702
        try:
            await workflow.execute_activity_method(Activities.write)
        except:  # finds HF712
            pass
        return name

    def later(self) -> float:
        return time.monotonic()  # finds HF102

    async def late(self) -> None:
        time.time()  # finds HF101

    @workflow.signal
    def poke(self) -> None:
        random.random()  # finds HF111

    @workflow.update(name="set")
    async def change(self, amount: int) -> None:
        time.time()  # finds HF101

    @change.validator
    def check(self, amount: int) -> None:
        time.time()  # finds HF101

    @workflow.query
    def state(self) -> datetime:
        return datetime.now()  # finds HF101


@temporalio.workflow.defn
class Other:
    @temporalio.workflow.init
    def __init__(self, name: str) -> None:
        self.name = name

    @entry
    async def go(self, name: str) -> None:
        if workflow.unsafe.is_replaying():
            print("again")  # finds HF601
        else:
            print("for the first time")
