"""HF712: a bare `except` around a wait catches the exception that suspends the function."""

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    try:
        context.wait(Duration.from_hours(12))
        return context.invoke("settle-claim", event)
    except:  # mistake: HF712
        context.logger.warning("could not settle %s", event)
        return "failed"
