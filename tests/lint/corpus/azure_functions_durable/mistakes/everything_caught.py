"""HF712: a bare `except` around `yield` also catches what closes the orchestrator between two events."""

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="order")
def charge(order: str) -> str:
    return f"charged {order}"


@app.activity_trigger(input_name="order")
def refund(order: str) -> str:
    return f"refunded {order}"


@app.orchestration_trigger(context_name="context")
def pay(context: df.DurableOrchestrationContext):
    order = context.get_input()
    try:
        return (yield context.call_activity("charge", order))
    except:  # mistake: HF712
        return (yield context.call_activity("refund", order))
