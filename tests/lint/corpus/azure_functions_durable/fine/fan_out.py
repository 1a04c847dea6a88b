"""Fine (HF702): tasks are kept in a list and yielded together, and the order is that of the input."""

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="page")
def count(page: int) -> int:
    return page * 10


@app.orchestration_trigger(context_name="context")
def total(context: df.DurableOrchestrationContext):
    tasks = [context.call_activity("count", page) for page in context.get_input()]
    results = yield context.task_all(tasks)
    return sum(results)
