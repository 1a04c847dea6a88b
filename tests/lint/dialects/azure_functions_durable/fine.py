import logging
import time
import uuid
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import requests

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orders")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> str:
    return await client.start_new("order", str(uuid.uuid4()), f"{time.time()}")


@app.orchestration_trigger(context_name="context")
def order(context):
    now = context.current_utc_datetime
    retry = df.RetryOptions(5000, 3)
    page = yield context.call_activity_with_retry("fetch", retry, context.get_input())
    paid = context.wait_for_external_event("paid")
    late = context.create_timer(now + timedelta(days=1))
    winner = yield context.task_any([paid, late])
    if not context.is_replaying:
        logging.info("won by %s at %s", winner, time.time())
    context.set_custom_status(str(context.new_guid()))
    return page


@app.activity_trigger(input_name="key")
def fetch(key: str) -> str:
    time.sleep(1)
    return requests.get(key).text
