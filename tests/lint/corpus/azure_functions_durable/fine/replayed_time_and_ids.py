"""Fine (HF101): the context has the time and the ids, and what is logged is logged once."""

import logging
from datetime import timedelta

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="reference")
def remind(reference: str) -> str:
    return f"reminded about {reference}"


@app.orchestration_trigger(context_name="context")
def trial(context: df.DurableOrchestrationContext):
    reference = f"{context.get_input()}-{context.new_guid()}"
    if not context.is_replaying:
        logging.info("trial %s", reference)
    yield context.create_timer(context.current_utc_datetime + timedelta(days=11))
    return (yield context.call_activity("remind", reference))
