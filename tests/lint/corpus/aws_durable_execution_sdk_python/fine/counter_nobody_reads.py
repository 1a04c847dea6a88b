"""Fine (HF503): the step counts its attempts for its own log, and nothing outside reads the counter."""

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    attempts = 0

    def call(step: StepContext) -> str:
        nonlocal attempts
        attempts += 1
        step.logger.info("attempt %s", attempts)
        return f"called {event['number']}"

    return context.step(call)
