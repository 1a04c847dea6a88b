import asyncio
import time
import uuid

import dbos as durable
from dbos import DBOS, DBOSConfiguredInstance, Queue, SetWorkflowID
from dbos.error import DBOSWorkflowCancelledError
from fastapi import FastAPI

app = FastAPI()
system = DBOS(config={"name": "shop"})
queue = Queue("orders")


@DBOS.step()
def charge() -> float:
    return time.time()


@DBOS.step(retries_allowed=True)
async def ship() -> float:
    return time.time()


@DBOS.workflow()
def order() -> float:
    handle = DBOS.start_workflow(packing, str(uuid.uuid4()))  # finds HF121
    ship()  # finds HF702
    time.sleep(5)  # finds HF305
    try:
        handle.get_result()
    except DBOSWorkflowCancelledError:  # finds HF712
        pass
    for _ in {charge, ship}:  # finds HF401
        charge()
    return time.time()  # finds HF101


@app.post("/packing")
@durable.DBOS.workflow(name="packing")
async def packing(key: str) -> None:
    await asyncio.sleep(5)  # finds HF305
    DBOS.sleep_async(5)  # finds HF702
    handle = await queue.enqueue_async(packing, key)
    handle.get_result()  # finds HF702
    try:
        await ship()
    except BaseException:  # finds HF712
        pass


def tracked(function):
    @DBOS.workflow(name="tracked")
    def wrapper(*args):
        return function(*args)

    return wrapper


def timed(function):
    def wrapper(*args):
        time.monotonic()  # finds HF102
        return function(*args)

    return wrapper


@DBOS.workflow()
@timed
def inside_a_wrapper() -> None:
    time.time()  # finds HF101


@tracked
def behind_a_wrapper() -> None:
    with SetWorkflowID(f"x{uuid.uuid4()}"):  # finds HF121
        DBOS.start_workflow(packing, "x")


@DBOS.scheduled("* * * * *")
@DBOS.workflow()
def nightly(planned, actual) -> None:
    time.time()  # finds HF101


@system.workflow()
def on_the_instance() -> None:
    time.time()  # finds HF101


class Clock:
    def read(self) -> float:
        return time.time()  # finds HF101


@DBOS.dbos_class()
class Shop(DBOSConfiguredInstance):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.opened = time.time()
        self.clock = Clock()

    @DBOS.workflow()
    def sell(self) -> None:
        self.clock.read()

    @staticmethod
    @DBOS.workflow()
    def close() -> None:
        time.time()  # finds HF101

    @classmethod
    @DBOS.workflow()
    def move(cls) -> None:
        time.time()  # finds HF101
