import random
import time
from datetime import timedelta

from durabletask import task, worker
from durabletask.azuremanaged.worker import DurableTaskSchedulerWorker
from durabletask.task import OrchestrationContext, when_all


def charge(ctx: task.ActivityContext, amount: int) -> float:
    return time.time()


def order(ctx: OrchestrationContext, amount: int):
    started = time.time()  # finds HF101
    ctx.call_activity(charge, input=amount)  # finds HF702
    time.sleep(1)  # finds HF305
    yield from helper(ctx)
    try:
        yield ctx.create_timer(timedelta(hours=1))
    except:  # finds HF712
        pass
    for item in {1, 2}:  # finds HF401
        yield ctx.call_activity(charge, input=item)
    return started


def helper(ctx):
    random.random()  # finds HF111
    tasks = [ctx.call_activity(charge, input=item) for item in range(3)]
    yield when_all(tasks)
    ctx.create_timer(timedelta(1))  # finds HF702


def nightly(ctx, _):
    if ctx.is_replaying:
        print("again")  # finds HF601
    yield ctx.wait_for_external_event("paid")


def registered_elsewhere(ctx: task.OrchestrationContext, _):
    time.time()  # finds HF101
    yield from part(ctx)


def part(ctx: task.OrchestrationContext):
    time.monotonic()  # finds HF102
    yield ctx.call_activity(charge, input=1)


def main() -> None:
    with worker.TaskHubGrpcWorker() as hub:
        hub.add_orchestrator(order)
        hub.add_activity(charge)
        hub.start()


def register(hub: DurableTaskSchedulerWorker) -> None:
    hub.add_orchestrator(nightly)
