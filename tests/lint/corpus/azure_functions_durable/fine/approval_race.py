"""Fine (HF901): the event is raced against a timer, which is cancelled when it loses."""

from datetime import timedelta

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="text")
def tell(text: str) -> str:
    return text


@app.orchestration_trigger(context_name="context")
def approve(context: df.DurableOrchestrationContext):
    context.set_custom_status("waiting for the manager")
    approval = context.wait_for_external_event("approval")
    deadline = context.create_timer(context.current_utc_datetime + timedelta(days=2))
    winner = yield context.task_any([approval, deadline])
    if winner == deadline:
        return (yield context.call_activity("tell", "nobody decided"))
    deadline.cancel()
    return (yield context.call_activity("tell", "approved" if approval.result else "rejected"))
