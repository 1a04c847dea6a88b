import azure.durable_functions as df

from shuffled_tasks.order import spread


def rebuild(context: df.DurableOrchestrationContext):
    shards = spread(context.get_input())
    tasks = [context.call_activity("rebuild_shard", shard) for shard in shards]
    return (yield context.task_all(tasks))


main = df.Orchestrator.create(rebuild)
