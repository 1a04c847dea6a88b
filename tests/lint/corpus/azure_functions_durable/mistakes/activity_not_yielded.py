"""HF702: the task of the activity is used as if it were the result."""

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="article")
def price(article: str) -> int:
    return len(article) * 100


@app.activity_trigger(input_name="cents")
def charge(cents: int) -> str:
    return f"charged {cents}"


@app.orchestration_trigger(context_name="context")
def buy(context: df.DurableOrchestrationContext):
    cents = context.call_activity("price", context.get_input())  # mistake: HF702
    return (yield context.call_activity("charge", cents))  # also: HF702 or HF708
