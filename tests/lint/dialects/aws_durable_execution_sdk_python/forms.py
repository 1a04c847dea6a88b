import time
import uuid

from aws_durable_execution_sdk_python import (
    DurableContext,
    ParallelBranch,
    StepContext,
    durable_execution,
    durable_parallel_branch,
    durable_step,
    durable_with_child_context,
    with_retry,
)
from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.exceptions import SuspendExecution


@durable_step
def charge(step: StepContext, amount: int) -> float:
    return time.time()


@durable_with_child_context
def pack(child: DurableContext, items: list) -> None:
    time.time()  # finds HF101
    child.step(lambda _: time.time())


@durable_parallel_branch(name="ship")
def ship(branch, items: list) -> None:
    time.time()  # finds HF101
    branch.step(lambda _: time.time())


@durable_execution
def handler(event, context: DurableContext) -> dict:
    context.step(charge(3), name=str(uuid.uuid4()))  # finds HF121
    context.run_in_child_context(pack([1]))
    context.parallel([ship([1]), lambda branch: later(branch)])
    context.map([1, 2], each, name="each")
    context.parallel([ParallelBranch(func=lambda branch: later(branch), name="x")])
    with_retry(context, lambda child, attempt: later(child), None)
    time.sleep(1)  # finds HF305
    try:
        context.wait(Duration.from_seconds(5))
    except SuspendExecution:  # finds HF712
        pass
    if context.is_replaying():
        print("again")  # finds HF601
    return {"at": time.time()}  # finds HF101


def each(child, item: int, index: int, items: list) -> None:
    child.step(lambda _: time.time())
    time.monotonic()  # finds HF102


def later(child) -> None:
    child.step(lambda _: time.time())
    time.monotonic()  # finds HF102


@durable_execution(plugins=[])
def other(event, ctx) -> float:
    ctx.step(lambda _: time.time())
    return time.time()  # finds HF101
