"""HF121: the key of the payment is drawn again on every replay."""

import uuid

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="payment")
def pay(payment: dict) -> str:
    return f"paid {payment['cents']}"


@app.orchestration_trigger(context_name="context")
def checkout(context: df.DurableOrchestrationContext):
    order = context.get_input()
    payment = {"cents": order["cents"], "key": str(uuid.uuid4())}  # mistake: HF121
    return (yield context.call_activity("pay", payment))
