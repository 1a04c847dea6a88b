"""Fine (HF204): `call_http` is an operation of the orchestrator: the request is made elsewhere and recorded."""

import json

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def rate(context: df.DurableOrchestrationContext):
    answer = yield context.call_http("GET", "https://rates.example.org/usd")
    return json.loads(answer["content"])["rate"]
