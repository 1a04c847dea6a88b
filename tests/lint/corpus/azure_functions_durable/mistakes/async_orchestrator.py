"""HF721: an orchestrator must be a plain generator; as `async def` it is never run as one."""

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"Hello {name}"


@app.orchestration_trigger(context_name="context")
async def greetings(context: df.DurableOrchestrationContext):  # mistake: HF721
    yield context.call_activity("greet", "Tokyo")
    yield context.call_activity("greet", "Seattle")
