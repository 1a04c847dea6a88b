"""Fine (HF722): each round of the monitor is a new history."""

from datetime import timedelta

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="site")
def check(site: str) -> bool:
    return site.startswith("https")


@app.orchestration_trigger(context_name="context")
def monitor(context: df.DurableOrchestrationContext):
    site = context.get_input()
    healthy = yield context.call_activity("check", site)
    context.set_custom_status("up" if healthy else "down")
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
    context.continue_as_new(site)
