"""HF123: the shard of a tenant is taken from `hash`, which differs between processes."""

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    shard = hash(event["tenant"]) % 8  # mistake: HF123 or HF124
    context.wait(Duration.from_seconds(5))
    return context.invoke(f"import-shard-{shard}", event)
