from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)

from weather_request.planning import Planner


@durable_step
def dispatch(step: StepContext, truck: str, route: str) -> str:
    return f"{truck} on {route}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    route = Planner(event["region"]).route()
    return context.step(dispatch(event["truck"], route))
