"""HF710: no function of the app has the name that the orchestrator calls."""

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="order")
def send_invoice(order: str) -> str:
    return f"invoice for {order}"


@app.orchestration_trigger(context_name="context")
def bill(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("send_invoce", context.get_input()))  # mistake: HF710
