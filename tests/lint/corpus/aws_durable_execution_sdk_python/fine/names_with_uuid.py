"""Fine (HF121): names that contain `uuid` or `random` are no evidence."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


def short_uuid(uuid: str) -> str:
    return uuid.split("-")[0]


def randomized(groups: list, seed: int) -> str:
    return groups[seed % len(groups)]


@durable_step
def enrol(step: StepContext, patient: str, group: str) -> str:
    return f"{patient} in {group}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    patient = short_uuid(event["patient_uuid"])
    return context.step(enrol(patient, randomized(event["groups"], event["seed"])))
