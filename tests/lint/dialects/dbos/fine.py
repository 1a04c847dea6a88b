import time
import uuid

import pytest
import requests
from dbos import DBOS, AsyncSQLAlchemyDatasource, Queue, SetWorkflowID, SQLAlchemyDatasource
from fastapi import FastAPI

app = FastAPI()
source = SQLAlchemyDatasource.create("postgresql://x")
queue = Queue("orders")


@source.transaction()
def insert(key: str) -> float:
    return time.time()


@source.transaction
def remove(key: str) -> float:
    return time.time()


@DBOS.transaction(isolation_level="SERIALIZABLE")
def update(key: str) -> float:
    return time.time()


@DBOS.step()
def fetch(key: str) -> str:
    time.sleep(1)
    return requests.get(key).text


@DBOS.workflow()
def order(key: str) -> str:
    def look_up():
        return requests.get(key).text

    DBOS.run_step({"name": "clock"}, lambda: time.time())
    DBOS.run_step(None, look_up)
    source.run_tx_step({"name": "again"}, look_up)
    insert(key)
    remove(key)
    update(key)
    with SetWorkflowID("child"):
        handle = queue.enqueue(order, key)
    DBOS.sleep(5)
    DBOS.recv("paid", timeout_seconds=86400)
    DBOS.logger.info("waiting")
    try:
        handle.get_result()
    except Exception:
        DBOS.set_event("state", "failed")
    return fetch(key)


@DBOS.workflow()
async def later(made: AsyncSQLAlchemyDatasource) -> None:
    @made.transaction()
    async def inside() -> float:
        return time.time()

    await inside()
    await DBOS.run_step_async({"name": "id"}, lambda: uuid.uuid4())


@app.get("/")
def endpoint() -> float:
    order(str(uuid.uuid4()))
    return time.time()


@pytest.mark.workflow
def test_order() -> None:
    assert time.time()
