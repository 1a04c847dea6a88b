"""HF305: the orchestrator sleeps in its thread, again on every replay."""

import time

import azure.durable_functions as df

app = df.Blueprint()


@app.activity_trigger(input_name="job")
def is_done(job: str) -> bool:
    return job.endswith("done")


@app.orchestration_trigger(context_name="context")
def watch(context: df.DurableOrchestrationContext):
    job = context.get_input()
    for _ in range(10):
        if (yield context.call_activity("is_done", job)):
            return True
        time.sleep(30)  # mistake: HF305
    return False
