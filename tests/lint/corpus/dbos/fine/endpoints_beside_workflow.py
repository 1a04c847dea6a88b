"""Fine (HF101): the endpoint and the step read clocks and draw ids; the workflow is given what it needs."""

import time
import uuid
from datetime import datetime

from dbos import DBOS, SetWorkflowID
from fastapi import FastAPI

app = FastAPI()


@DBOS.step()
def work(number: int) -> None:
    time.sleep(1)
    print(f"step {number} at {datetime.now()}")


@DBOS.workflow()
def three_steps(requested: str) -> str:
    for number in range(3):
        work(number)
    return requested


@app.post("/start")
def start() -> dict[str, str]:
    with SetWorkflowID(str(uuid.uuid4())):
        handle = DBOS.start_workflow(three_steps, datetime.now().isoformat())
    return {"id": handle.workflow_id}
