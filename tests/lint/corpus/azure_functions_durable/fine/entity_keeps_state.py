"""Fine (HF501): an entity changes its own state, which is recorded; the orchestrator only calls it."""

import azure.durable_functions as df

app = df.DFApp()


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    value += context.get_input()
    context.set_state(value)
    context.set_result(value)


@app.orchestration_trigger(context_name="context")
def add(context: df.DurableOrchestrationContext):
    return (yield context.call_entity(df.EntityId("counter", "total"), "add", 1))
