"""Fine (HF121): the function that starts the orchestration, and the activity, may do as they like."""

import logging
import time
import uuid
from datetime import datetime

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()


@app.route(route="start")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance = await client.start_new("load", str(uuid.uuid4()), datetime.now().isoformat())
    logging.info("started %s", instance)
    return client.create_check_status_response(req, instance)


@app.activity_trigger(input_name="day")
def fetch(day: str) -> str:
    time.sleep(1)
    print("fetching", day)
    return f"rows of {day}"


@app.orchestration_trigger(context_name="context")
def load(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("fetch", context.get_input()))
