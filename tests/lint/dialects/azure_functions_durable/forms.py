import time
import uuid
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import Blueprint

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
more = Blueprint()


@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext):
    key = str(uuid.uuid4())  # finds HF121
    context.call_activity("charge", key)  # finds HF702
    yield from helper(context)
    try:
        yield context.call_activity("ship", key)
    except BaseException:  # finds HF712
        pass
    return time.time()  # finds HF101


@app.function_name(name="nightly")
@more.orchestration_trigger(context_name="ctx")
def nightly(ctx):
    time.sleep(1)  # finds HF305
    ctx.create_timer(ctx.current_utc_datetime + timedelta(days=1))  # finds HF702
    yield ctx.call_activity(charge, 3)


@app.activity_trigger(input_name="amount")
def charge(amount: int) -> float:
    return time.time()


def helper(context):
    print("hello")  # finds HF601
    yield context.task_all([context.call_activity("a"), context.call_activity("b")])


def legacy(context: df.DurableOrchestrationContext):
    time.time()  # finds HF101
    yield context.call_activity("a")


main = df.Orchestrator.create(legacy)
