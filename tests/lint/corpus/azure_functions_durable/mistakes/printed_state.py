"""HF601: the orchestrator prints, once more on each replay."""

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="page")
def load(page: int) -> int:
    return page * 100


@app.orchestration_trigger(context_name="context")
def load_all(context: df.DurableOrchestrationContext):
    rows = 0
    for page in range(context.get_input()):
        rows += yield context.call_activity("load", page)
        print("rows so far:", rows)  # mistake: HF601
    return rows
