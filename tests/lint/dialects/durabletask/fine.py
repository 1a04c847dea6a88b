import time
import uuid
from datetime import timedelta

import requests
from durabletask import client, task, worker


def fetch(ctx: task.ActivityContext, key: str) -> str:
    time.sleep(1)
    return requests.get(key).text


def order(ctx: task.OrchestrationContext, key: str):
    logger = ctx.create_replay_safe_logger(None)
    logger.info("at %s", ctx.current_utc_datetime)
    paid = ctx.wait_for_external_event("paid")
    late = ctx.create_timer(ctx.current_utc_datetime + timedelta(days=1))
    winner = yield task.when_any([paid, late])
    if winner == late:
        return ctx.new_uuid()
    if not ctx.is_replaying:
        print("paid", time.time())
    page = yield ctx.call_activity(fetch, input=key)
    child = ctx.call_sub_orchestrator(other, input=page)
    ctx.set_custom_status("waiting")
    return (yield child)


def other(ctx: task.OrchestrationContext, page: str):
    yield ctx.call_activity("fetch", input=page)
    ctx.continue_as_new(page)


hub = worker.TaskHubGrpcWorker()
hub.add_orchestrator(order)
hub.add_orchestrator(other)
hub.add_activity(fetch)


def main() -> None:
    client.TaskHubGrpcClient().schedule_new_orchestration(order, input=str(uuid.uuid4()))
    print(time.time())
